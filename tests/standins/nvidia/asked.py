"""What NVML says of every GPU, for a Python that has pynvml."""

# Name and driver of each GPU as JSON; or a number, the error of the first call that has one.
ASK = """
import json
import pynvml as nvml
try:
    nvml.nvmlInit()
    handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    version = nvml.nvmlSystemGetDriverVersion()
    print(json.dumps([[nvml.nvmlDeviceGetName(handle), version] for handle in handles]))
except nvml.NVMLError as error:
    print(error.value)
"""
