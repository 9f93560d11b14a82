#!/bin/bash
# Where ATB is, built for the C++ ABI that is asked for, else torch's, else 1. Bash's only.
if [[ ${BASH_SOURCE[0]} =~ set_env.sh ]]; then
    atb_path=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/latest/atb
    cxx_abi=
    for word in "$@"; do
        [[ $word != --cxx_abi=[01] ]] || cxx_abi=${word#*=}
    done
    if [[ -z $cxx_abi ]]; then
        cxx_abi=1
        [[ $(python3 -c 'import torch; print(torch.compiled_with_cxx11_abi())' 2>/dev/null) != False ]] || cxx_abi=0
    fi
    export ATB_HOME_PATH=$atb_path/cxx_abi_$cxx_abi
    export LD_LIBRARY_PATH=$ATB_HOME_PATH/lib:$LD_LIBRARY_PATH
    export PATH=$ATB_HOME_PATH/bin:$PATH
    export ATB_STREAM_SYNC_EVERY_KERNEL_ENABLE=0 ATB_WORKSPACE_MEM_ALLOC_GLOBAL=1
else
    echo "There is no 'set_env.sh' to import"
fi
