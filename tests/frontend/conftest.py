"""One thread for torch: the networks are tiny, and the machine is shared by many workers."""

import torch

torch.set_num_threads(1)
