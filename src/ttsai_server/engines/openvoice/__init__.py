"""OpenVoice's tone colour converter (Qin et al. 2023), version 2."""
