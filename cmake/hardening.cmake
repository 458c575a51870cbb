# Hardening of every optimised build, whichever way it is configured; packaging/steps/hardened.sh reads the result back.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# Each flag that this compiler knows: some are newer than the oldest compiler that is supported.
function(meterbeat_harden_compile)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "METERBEAT_HAS${flag}" known)
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      add_compile_options(${flag})
    endif()
  endforeach()
endfunction()

function(meterbeat_harden_link)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "METERBEAT_HAS${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
      add_link_options(${flag})
    endif()
  endforeach()
endfunction()

# In builds without optimisation as well, as none of these needs it:
# stack: canaries, and pages touched one by one; variables that begin as zero; struct's last array alone is open-ended;
# CET or branch protection, whichever the processor has; no check thrown away because "it cannot be null".
meterbeat_harden_compile(-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
  -fstrict-flex-arrays=3 -fno-delete-null-pointer-checks -fPIE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
  meterbeat_harden_compile(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  meterbeat_harden_compile(-mbranch-protection=standard)
endif()
meterbeat_harden_link(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:-z,separate-code)
# by name, as check_linker_flag would try it on what is no program
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)

# Needs the optimiser, and hides from sanitizers what they look for. -U: distributions' compilers may set another level.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT METERBEAT_SANITIZE)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
