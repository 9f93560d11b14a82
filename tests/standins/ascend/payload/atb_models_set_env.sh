#!/bin/bash
# Where the ATB models are. Bash's only.
path=${BASH_SOURCE[0]}
if [[ -f $path && $path =~ set_env.sh ]]; then
    atb_models_home=$(cd "$(dirname "$path")" && pwd)
    export ATB_SPEED_HOME_PATH=$atb_models_home
    export LD_LIBRARY_PATH=$ATB_SPEED_HOME_PATH/lib:$LD_LIBRARY_PATH
    export PYTHONPATH=$ATB_SPEED_HOME_PATH:$PYTHONPATH
    export INT8_FORMAT_NZ_ENABLE=1
else
    echo "There is no 'set_env.sh' to import"
fi
