#!/bin/bash
# MindIE's environment: that of each of its parts. Bash's only.
path=${BASH_SOURCE[0]}
if [[ -f $path && $path =~ set_env\.sh ]]; then
    mindie_path=$(cd "$(dirname "$path")" && pwd)
    if [[ -f $mindie_path/latest/version.info ]]; then
        for part in mindie-service mindie-llm; do
            if [[ -f $mindie_path/latest/$part/set_env.sh ]]; then
                # Sourced without words of its own, it sees those of whoever sourced this.
                source "$mindie_path/latest/$part/set_env.sh"
            else
                echo "$part package is incomplete please check it."
            fi
        done
    else
        echo "The package of mindie is incomplete, please check it."
    fi
else
    echo "There is no 'set_env.sh' to import"
fi
