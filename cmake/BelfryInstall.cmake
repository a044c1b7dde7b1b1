# What `cmake --install` lays down besides the programs (each folder installs its own). An installation that is
# to run under systemd wants -DCMAKE_INSTALL_PREFIX=/usr at configure time: the units name the programs.
include(GNUInstallDirs)
set(belfry_data "${CMAKE_INSTALL_DATADIR}/belfry")

install(DIRECTORY config/city config/samples DESTINATION "${belfry_data}")
install(FILES config/belfry.yaml config/redis-contract.yaml DESTINATION "${belfry_data}")
install(FILES deploy/mosquitto/mosquitto.conf DESTINATION "${belfry_data}/mosquitto")
install(FILES deploy/redis/redis.conf deploy/redis/users.acl DESTINATION "${belfry_data}/redis")
install(FILES README.md LICENSE CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)

set(summary_ingest "MQTT messages become readings in Kafka")
set(summary_process "readings become values of KPIs")
set(summary_sink "values of KPIs go to Redis")
foreach(daemon ingest process sink)
  set(summary "${summary_${daemon}}")
  configure_file(deploy/systemd/belfry-daemon.service.in
    "${PROJECT_BINARY_DIR}/units/belfry-${daemon}.service" @ONLY)
endforeach()
install(DIRECTORY "${PROJECT_BINARY_DIR}/units/" DESTINATION lib/systemd/system FILES_MATCHING PATTERN "*.service")
install(FILES deploy/systemd/belfry.target DESTINATION lib/systemd/system)
install(FILES deploy/systemd/belfry.sysusers DESTINATION lib/sysusers.d RENAME belfry.conf)
