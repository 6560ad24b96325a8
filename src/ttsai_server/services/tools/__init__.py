"""What is done to recordings: converted, analysed, bettered, taken apart.

Order ──`Tools.check`──▶ Plan ──`Tools.process`──▶ Processing ──decode, reserve, work──▶ files, settled
"""

from ttsai_server.services.tools.orders import ORDERS, Analyze, Dereverb, Enhance, Order, Separate, Transcode
from ttsai_server.services.tools.plan import OutputFile, Plan
from ttsai_server.services.tools.processing import Processing
from ttsai_server.services.tools.stems import keep_stems
from ttsai_server.services.tools.tools import Tools

__all__ = [
    "ORDERS",
    "Analyze",
    "Dereverb",
    "Enhance",
    "Order",
    "OutputFile",
    "Plan",
    "Processing",
    "Separate",
    "Tools",
    "Transcode",
    "keep_stems",
]
