"""What a run is recorded with."""

from concurrent.futures import ThreadPoolExecutor

import vlmscope as vs
from families import llava
from vlmscope.analysis.record import run_record


def test_the_kernel_is_the_models_own_while_somebody_looks_into_it() -> None:
    for kernel in ("sdpa", "eager"):
        model = llava()
        model.decoder.set_attn_implementation(kernel)
        assert run_record(model)["kernel"] == kernel
        with vs.capture(model, rows="last_text"), ThreadPoolExecutor(1) as pool:
            assert run_record(model)["kernel"] == kernel
            assert pool.submit(run_record, model).result()["kernel"] == kernel
        assert run_record(model)["kernel"] == kernel
