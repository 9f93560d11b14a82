"""Huawei's quantizer."""
