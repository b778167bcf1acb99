"""One training in several processes: each works on its share of every batch.

torchrun --standalone --nproc-per-node 2 examples/several_processes.py
"""

import torch.distributed as dist

from skd2ace import MultiLabelNetClassifier
from skd2ace.datasets import load_yeast
from skd2ace.metrics import macro_auc
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE

# With GPUs "nccl", torch.cuda.set_device(LOCAL_RANK), and device="cuda" below.
dist.init_process_group("gloo")
X, Y = load_yeast(return_X_y=True)
est = MultiLabelNetClassifier(MLP, batch_selector=D2ACE(), max_epochs=10, random_state=0)
est.fit(X[:1500], Y[:1500])
if dist.get_rank() == 0:
    print(f"Macro-AUC {macro_auc(Y[1500:], est.predict_proba(X[1500:])):.3f}")
dist.destroy_process_group()
