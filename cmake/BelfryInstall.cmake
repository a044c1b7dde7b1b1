# What `cmake --install` lays down besides the programs (each folder installs its own).
install(DIRECTORY config/city config/samples DESTINATION "${CMAKE_INSTALL_DATADIR}/belfry")
