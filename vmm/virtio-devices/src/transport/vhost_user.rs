//! The vhost-user transport: the device runs in another process than its VMM.
