# Flags that hold for all of our own code. Foreign headers come in as SYSTEM (BelfryPeers).
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Assertions stay in every build: they guard the promise, not the developer.
foreach(config RELEASE RELWITHDEBINFO)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

add_library(belfry_flags INTERFACE)
target_compile_definitions(belfry_flags INTERFACE _GNU_SOURCE BELFRY_VERSION="${PROJECT_VERSION}")
target_include_directories(belfry_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(belfry_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wundef -Wformat=2 -Wvla -Wcast-qual -Wwrite-strings -Wswitch-enum
  -Wnull-dereference -fno-common -fstack-protector-strong
  -ffp-contract=off) # a fused multiplication on one host only would give it other numbers
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(belfry_flags INTERFACE -Wduplicated-cond -Wlogical-op -fstack-clash-protection)
endif()
if(BELFRY_WERROR)
  target_compile_options(belfry_flags INTERFACE -Werror)
endif()
if(BELFRY_FUZZ) # libFuzzer steers by the branches that an input reaches
  target_compile_options(belfry_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BELFRY_SANITIZE)
  target_compile_options(belfry_flags INTERFACE -fsanitize=${BELFRY_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
  target_link_options(belfry_flags INTERFACE -fsanitize=${BELFRY_SANITIZE})
else()
  target_compile_options(belfry_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
  target_link_options(belfry_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
