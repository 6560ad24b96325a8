"""What is done to recordings: converted, analysed, bettered, taken apart.

Order ──`Tools.check`──▶ Plan ──`Tools.process`──▶ Processing ──decode, reserve, work──▶ files, settled
"""

from ttsai_server.services.tools.orders import ORDERS, Analyze, Convert, Dereverb, Enhance, Order, Separate
from ttsai_server.services.tools.plan import Made, Plan
from ttsai_server.services.tools.processing import Processing
from ttsai_server.services.tools.stems import keep_stems
from ttsai_server.services.tools.tools import Tools

__all__ = [
    "ORDERS",
    "Analyze",
    "Convert",
    "Dereverb",
    "Enhance",
    "Made",
    "Order",
    "Plan",
    "Processing",
    "Separate",
    "Tools",
    "keep_stems",
]
