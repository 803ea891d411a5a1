#!/bin/sh
# Run while the image is built: removes what packages carry and a service never opens. Together this is about half of their size.
#   prune.sh node FOLDER     npm packages
#   prune.sh python FOLDER   site-packages; debugging symbols go as well
#   prune.sh system FOLDER   a Debian with Python
set -eu
cd "$2"
case "$1" in
  node)
    # Engines for other databases, the compiler of queries for other clients, Prisma Studio, the JavaScript client that `generate` would copy
    find prisma/build -name 'query_engine_bg.*' ! -name '*.postgresql.*' -delete
    find prisma/build -name 'query_compiler_bg.*' -delete
    rm -rf prisma/build/public prisma/prisma-client
    # The same code three times over: Prisma's command line requires CommonJS
    rm -rf effect/src effect/dist/esm effect/dist/dts
    find . -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
    ;;
  python)
    # Tests, headers and what builds extensions
    find . -type d \( -name tests -o -name include \) -path './numpy/*' -prune -exec rm -rf {} +
    rm -rf numpy/f2py numpy/distutils
    find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -delete
    # Of Swagger the user interface, without the editor
    find swagger_ui/static -type f \( -name 'swagger-editor*' -o -name 'swagger-ui-es-*' -o -name '*.map' \) -delete
    # Made-up data (Litestar's examples of schemas) in English only; "la" is lorem ipsum
    find faker/providers -mindepth 2 -maxdepth 2 -type d ! -name 'en' ! -name 'en_US' ! -name 'en_GB' ! -name 'la' ! -name __pycache__ \
      -exec rm -rf {} +
    # Rich shows tracebacks in colour: that needs one language
    find pygments/lexers -name '[a-z]*.py' ! -name python.py -delete
    # Not those of numpy: their segments were moved when they were packed, which strip does not understand
    strip --strip-unneeded uvloop/*.so cryptography/hazmat/bindings/*.so
    ;;
  system)
    find usr/share/doc -type f ! -name copyright -delete
    rm -rf usr/lib/*/gconv usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/share/python-wheels var/cache/* var/lib/apt/lists/* var/log/* root/.*rc
    for lib in usr/lib usr/local/lib; do
      for packages in $lib/python3/dist-packages $lib/python3.11/site-packages; do
        rm -rf $packages/pip* $packages/setuptools* $packages/wheel* $packages/pkg_resources $packages/_distutils_hack
      done
      for part in ensurepip idlelib test tkinter turtledemo lib2to3; do rm -rf $lib/python3.11/$part; done
    done
    ;;
esac
