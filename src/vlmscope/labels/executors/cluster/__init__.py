"""The executor of a Ray cluster, one that exists or one that is started for the job.

Actors and not Ray Data, for a pipeline of Ray Data answers none of three questions that decide here. Which
image was it that ended a process? Its batch is tried again, without end or so many times, and then
the whole job fails. How long has this image taken? Nobody can be ended in the middle of a batch. Which
images have rows? Its checkpoints hold that of a job of its own, in files of its own, where the parts are
the checkpoint already and the same for every executor. So each worker is an actor that does what a
worker process of this machine does, with the same code (:mod:`vlmscope.labels.executors.child`), over a
line of two calls in place of a pipe; and who gets which chunk, who is asked again and who is to blame
is decided in one place for both (:mod:`vlmscope.labels.executors.crew`). Finished parts come back to
the job, two chunks at most for each worker, so that memory is bounded, the machines need no folder
in common to write to, and what was labelled twice is written once.
"""

from vlmscope.labels.executors.cluster.executor import ClusterExecutor

__all__ = ["ClusterExecutor"]
