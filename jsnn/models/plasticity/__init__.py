"""Plasticity: models of the change of weights during a run."""

from jsnn.models.plasticity.eprop import EPROP, EPROP_ALIF
from jsnn.models.plasticity.inhibitory import VOGELS_2011
from jsnn.models.plasticity.model import PlasticityModel
from jsnn.models.plasticity.pair import (
    STDP,
    STDP_MULTIPLICATIVE,
    STDP_MULTIPLICATIVE_NEAREST,
    STDP_NEAREST,
    STDP_SYMMETRIC,
    STDP_SYMMETRIC_NEAREST,
)
from jsnn.models.plasticity.reward import REWARD_STDP
from jsnn.models.plasticity.short_term import TSODYKS_MARKRAM
from jsnn.models.plasticity.superspike import SUPERSPIKE_RULE
from jsnn.models.plasticity.triplet import TRIPLET_STDP
from jsnn.models.plasticity.voltage import CLOPATH_2010, CLOPATH_2010_HOMEOSTATIC

__all__ = [
    "CLOPATH_2010",
    "CLOPATH_2010_HOMEOSTATIC",
    "EPROP",
    "EPROP_ALIF",
    "REWARD_STDP",
    "STDP",
    "STDP_MULTIPLICATIVE",
    "STDP_MULTIPLICATIVE_NEAREST",
    "STDP_NEAREST",
    "STDP_SYMMETRIC",
    "STDP_SYMMETRIC_NEAREST",
    "SUPERSPIKE_RULE",
    "TRIPLET_STDP",
    "TSODYKS_MARKRAM",
    "VOGELS_2011",
    "PlasticityModel",
]
