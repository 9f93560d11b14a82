#!/bin/bash
# The service's environment. Bash's only.
mindie_service_path=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export MIES_INSTALL_PATH=$mindie_service_path
export LD_LIBRARY_PATH=$MIES_INSTALL_PATH/lib:$MIES_INSTALL_PATH/lib/grpc:$LD_LIBRARY_PATH
