"""Which processors multiply matrices of bfloat16 faster than those of float32."""

from __future__ import annotations

import torch

CPU_CAPABILITIES = ("avx512_bf16", "amx_bf16")


def has_fast_bfloat16(device_type: str) -> bool:
    """Say whether bfloat16 pays on this kind of device.

    Args:
        device_type: "cpu", "cuda" or another name of torch's; others are taken not to profit.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # torch before 2.9 cannot tell
    return any(bool(capabilities.get(name)) for name in CPU_CAPABILITIES)
