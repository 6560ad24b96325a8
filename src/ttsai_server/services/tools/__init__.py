"""What is done to recordings: converted, analysed, improved, taken apart.

orders      what a client asks for
planners    orders checked → plans
run         what all runs share
analysis, enhancement, separation   a plan and a run each
"""

from ttsai_server.services.tools.orders import Analyze, Dereverb, Enhance, Separate, Transcode

__all__ = ["Analyze", "Dereverb", "Enhance", "Separate", "Transcode"]
