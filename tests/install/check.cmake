# cmake -P: installs the build tree BUILD into a prefix of its own, and asks what is installed there to work:
# the command, the daemons, the city, the units. Run by the ctest "install.prefix".
set(prefix "${BUILD}/tests/installed")
file(REMOVE_RECURSE "${prefix}")

function(must)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGV}: exit code ${code}\n${text}")
  endif()
endfunction()

must("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
foreach(program belfry belfry-ingest belfry-process belfry-sink belfry-kafka)
  must("${prefix}/bin/${program}" --version)
endforeach()
must("${prefix}/bin/belfry" check --strict --config "${prefix}/share/belfry/belfry.yaml")
foreach(file
    lib/systemd/system/belfry.target lib/systemd/system/belfry-ingest.service
    lib/systemd/system/belfry-process.service lib/systemd/system/belfry-sink.service lib/sysusers.d/belfry.conf
    share/man/man1/belfry.1 share/man/man1/belfry-replay.1 share/bash-completion/completions/belfry
    share/zsh/site-functions/_belfry share/fish/vendor_completions.d/belfry.fish
    share/belfry/mosquitto/mosquitto.conf share/belfry/redis/users.acl share/belfry/redis-contract.yaml)
  if(NOT EXISTS "${prefix}/${file}")
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()

# The units as systemd reads them, with the programs where this prefix has them.
find_program(analyze systemd-analyze)
if(analyze)
  file(GLOB units "${prefix}/lib/systemd/system/*.service")
  foreach(unit IN LISTS units)
    file(READ "${unit}" text)
    string(REGEX REPLACE "ExecStart=[^\n]*/bin/" "ExecStart=${prefix}/bin/" text "${text}")
    file(WRITE "${unit}" "${text}")
  endforeach()
  execute_process(COMMAND "${analyze}" verify --man=no ${units} "${prefix}/lib/systemd/system/belfry.target"
    RESULT_VARIABLE code ERROR_VARIABLE text)
  if(NOT code EQUAL 0 OR text MATCHES "${prefix}")
    message(FATAL_ERROR "systemd-analyze verify: ${text}")
  endif()
endif()
file(REMOVE_RECURSE "${prefix}")
