"""Values that the cases of DAP-18 and DAP-09 share, in the form of the golden files."""

U64_MAX = 2**64 - 1
# The task ID of the draft's own example (section 3).
TASK_ID = "f0163447364ccf1bc0e3affcca6873c9c381f64acdf9020662f83f46c07219e7"


def run(first, count):
    """So many octets, each one more than that before it."""
    return bytes((first + i) % 256 for i in range(count)).hex()


ID_A, ID_B, ID_C = run(0x00, 16), run(0x10, 16), "ff" * 16
BATCH_ID = run(0x60, 32)
CHECKSUM = run(0xc0, 32)
AGGREGATORS = (("leader", "02"), ("helper", "03"))


def extension(kind, content=""):
    return {"extension_type": kind, "extension_data": content}


def interval(start, duration):
    return {"start": str(start), "duration": str(duration)}


def by_time(start, duration):
    """A query or a selector of the time-interval batch mode."""
    return {"batch_mode": "time_interval", "config": f"{start:016x}{duration:016x}"}


def resp(report_id, payload=None, error=None):
    """A VerifyResp: continue with a payload, reject with an error, else finish."""
    if payload is not None:
        return {"report_id": report_id, "verify_resp_type": "continue", "payload": payload}
    if error is not None:
        return {"report_id": report_id, "verify_resp_type": "reject", "report_error": error}
    return {"report_id": report_id, "verify_resp_type": "finish"}


SHORT_CIPHERTEXT = {"config_id": 0, "enc": "aa", "payload": "bb"}
LEADER_CIPHERTEXT = {"config_id": 1, "enc": run(0x80, 32), "payload": run(0x00, 24)}
HELPER_CIPHERTEXT = {"config_id": 2, "enc": run(0xa0, 32), "payload": run(0xe0, 20)}
METADATA = {"report_id": ID_A, "time": "17419668", "public_extensions": []}
COUNT_TASK = {
    "task_info": "78", "leader_aggregator_endpoint": b"https://l.example/a".hex(),
    "helper_aggregator_endpoint": b"https://h.example/b".hex(), "time_precision": "3600",
    "min_batch_size": "100", "batch_mode": "time_interval", "batch_config": "", "vdaf_type": 1,
    "vdaf_configuration": "", "extensions": []}
SUM_TASK = COUNT_TASK | {
    "task_info": b"blood pressure".hex(), "batch_mode": "leader_selected", "vdaf_type": 2,
    "vdaf_configuration": "00000000000000ff",
    "extensions": [extension(1, "0000000000000000" "0000000001000000")]}
