# Everything comes from Debian 12 packages; deploy/packages lists them by name.
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers json url)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PahoMqttCpp CONFIG REQUIRED)
find_package(PostgreSQL REQUIRED)   # libpq
find_package(Protobuf REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Snappy CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(date CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(modbus REQUIRED IMPORTED_TARGET libmodbus)          # deploy/demo only: our own codec never tests itself
pkg_check_modules(mosquitto REQUIRED IMPORTED_TARGET libmosquitto)    # deploy/demo only
if(CARBONGATE_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
