#!/bin/bash
# A dialogue with Qwen3-VL, without a server: the arguments and words of MindIE-LLM's script of this
# name. It sets its own chips and port, whatever was exported, as that one does: for others it is
# this file that has to be changed.
export ASCEND_RT_VISIBLE_DEVICES=0
export MASTER_PORT=20036
export ATB_OPERATION_EXECUTE_ASYNC=1 TASK_QUEUE_ENABLE=1

commas=${ASCEND_RT_VISIBLE_DEVICES//[^,]/}
world_size=$((${#commas} + 1))
trust= model= images= batch=1 input=3000 output=256

refuse() {
    echo "Error: $1"
    exit 1
}

# The words come in this order, or they are not seen.
[ $# -gt 0 ] || refuse "require parameter. Please refer to README."
if [ "$1" = --trust_remote_code ]; then
    trust=--trust_remote_code
    echo "[TRUST_REMOTE_CODE]: true"
    shift
fi
if [ "$1" = --model_path ]; then
    [[ -n $2 && $2 != --* ]] || refuse "--model_path requires a valid non-empty value"
    model=$2
    echo "[MODEL_PATH]: $model"
    shift 2
fi
if [ "$1" = --image_path ]; then
    [[ -n $2 && $2 != --* ]] || refuse "--image_path requires a valid non-empty value"
    images=$2
    echo "[IMAGE_PATH]: $images"
    shift 2
fi
if [ -n "$1" ]; then
    batch=$1
    echo "[MAX_BATCH_SIZE]: $batch"
fi
if [ -n "$2" ]; then
    input=$2
    echo "[MAX_INPUT_LENGTH]: $input"
fi
if [ -n "$3" ]; then
    output=$3
    echo "[MAX_OUTPUT_LENGTH]: $output"
fi
[ -n "$model" ] || refuse "--model_path parameter is required"
[ -n "$images" ] || refuse "--image_path parameter is required"

# Without quotes, there as here: a path with a blank in it is two words.
words="$trust --model_path $model --image_path $images --max_batch_size $batch --max_input_length $input --max_output_length $output"
if [ "$world_size" = 1 ]; then
    python -m examples.models.qwen3_vl.qwen3_vl $words
else
    torchrun --nproc_per_node "$world_size" --master_port "$MASTER_PORT" -m examples.models.qwen3_vl.qwen3_vl $words
fi
