# What `cmake --install` lays down besides the programs (each folder installs its own).
install(DIRECTORY config/city DESTINATION "${CMAKE_INSTALL_DATADIR}/belfry")
