#!/bin/bash
# The environment of MindIE-LLM, with what makes the vendor's dangerous: it empties the shared
# memory of the whole host, writes into its own folder's mode, and reads words that were meant for
# whoever sources it. Bash's only.
mindie_llm_path=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chmod u+w "$mindie_llm_path"
rm -rf /dev/shm/*
export MINDIE_LLM_HOME_PATH=$mindie_llm_path
PYTORCH_INSTALL_PATH=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
export PYTORCH_INSTALL_PATH
if [ -n "$PYTORCH_INSTALL_PATH" ]; then
    export LD_LIBRARY_PATH=$PYTORCH_INSTALL_PATH/lib:$LD_LIBRARY_PATH
fi
export LD_LIBRARY_PATH=$MINDIE_LLM_HOME_PATH/lib:$LD_LIBRARY_PATH
export PYTHONPATH=$MINDIE_LLM_HOME_PATH:$MINDIE_LLM_HOME_PATH/lib:$PYTHONPATH
export MINDIE_LOG_LEVEL=INFO MINDIE_LOG_TO_STDOUT=0 MINDIE_LOG_TO_FILE=1 GRPC_POLL_STRATEGY=poll
export ATB_OPERATION_EXECUTE_ASYNC=1 TASK_QUEUE_ENABLE=1 HCCL_BUFFSIZE=120
export ASCEND_SLOG_PRINT_TO_STDOUT=0 ASCEND_GLOBAL_LOG_LEVEL=3 ASCEND_GLOBAL_EVENT_ENABLE=0
case $1 in
    "" | --backend=*) ;;
    *) echo "Usage: source set_env.sh --backend=<backend>" ;;
esac
