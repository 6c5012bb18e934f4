# The microVM kernel: the fragment of guest-image/kernel on the sources of nixpkgs' kernel, as
# `qvm image kernel` puts it on Debian's. Gives `vmlinux`, `config` and passthru.version.
{ lib, stdenv, buildPackages, linuxKernel, bc, bison, flex, perl, python3, elfutils, zstd }:

let
  # The series the fragment is made for, or else another one with long support.
  there = name: (builtins.tryEval (linuxKernel.kernels ? ${name} && linuxKernel.kernels.${name} ? src)).value;
  series = lib.findFirst there
    (throw "qvm: this nixpkgs has no Linux 6.12, 6.18 or 6.6; take nixos-24.05 or a later one")
    [ "linux_6_12" "linux_6_18" "linux_6_6" ];
  base = linuxKernel.kernels.${series};

  arch = stdenv.hostPlatform.parsed.cpu.name;
  image = { x86_64 = "vmlinux"; aarch64 = "arch/arm64/boot/Image"; }.${arch};
in
stdenv.mkDerivation {
  pname = "qvm-kernel";
  inherit (base) version src;

  fragments = [
    (../guest-image/kernel + "/common.config")
    (../guest-image/kernel + "/${arch}.config")
  ];

  # Without it ACPI gives up where there is no PCI. Sources that have it are taken as they are.
  postPatch = ''
    change=${../guest-image/kernel/acpi-without-pci.patch}
    if ! patch -p1 --dry-run --reverse --force < "$change" > /dev/null; then
      patch -p1 < "$change"
    fi
  '';

  depsBuildBuild = [ buildPackages.stdenv.cc ];
  nativeBuildInputs = [ bc bison flex perl python3 elfutils zstd ];
  # The kernel says itself how it wants to be compiled.
  hardeningDisable = [ "all" ];
  enableParallelBuilding = true;
  dontStrip = true;

  makeFlags = [
    "ARCH=${stdenv.hostPlatform.linuxArch}"
    "CROSS_COMPILE=${stdenv.cc.targetPrefix}"
    # The same sources are the same kernel.
    "KBUILD_BUILD_USER=qvm"
    "KBUILD_BUILD_HOST=qvm"
    "KBUILD_BUILD_VERSION=1"
  ];
  preConfigure = ''
    patchShebangs scripts
    export KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$SOURCE_DATE_EPOCH")"
  '';
  configurePhase = ''
    runHook preConfigure
    cat $fragments > fragment
    make $makeFlags KCONFIG_ALLCONFIG=fragment allnoconfig
    runHook postConfigure
  '';
  postConfigure = ''
    bash ${./lost-options.sh} fragment .config
  '';
  buildFlags = [ (baseNameOf image) ];
  installPhase = ''
    runHook preInstall
    install -D -m 644 ${image} $out/vmlinux
    install -m 644 .config $out/config
    ${lib.optionalString (image == "vmlinux") "$STRIP --strip-all $out/vmlinux"}
    runHook postInstall
  '';

  # As `uname -r` says it: the fragment's own ending is in it.
  passthru.release = lib.versions.pad 3 base.version + "-qvm";
  passthru.series = series;

  meta = {
    description = "A Linux kernel with what qvm's machines have, all built in";
    license = lib.licenses.gpl2Only;
    platforms = [ "x86_64-linux" "aarch64-linux" ];
  };
}
