"""What a decoder of DAP-18 must refuse, and what a rule of the draft turns away after decoding.

Offsets count by hand: 16 octets of report ID, 8 of time, 2 of length, and so on.
"""

from dap_samples import (BATCH_ID, COUNT_TASK, HELPER_CIPHERTEXT, ID_A, ID_B, METADATA, TASK_ID,
                           by_time, extension, resp)

LEAST_METADATA = ID_A + "0000000000000001" "0000"
LEAST_CIPHERTEXT = "00 0001 aa 00000001 bb"


def bytes_of_configs(golden):
    for at, where in ((1, "the length"), (2, "the first configuration")):
        golden.cut("HPKE list of one", "HpkeConfigList", at, where)
    for at, where in ((0, "id"), (2, "kem_id"), (4, "kdf_id"), (6, "aead_id"),
                      (8, "the length of the key"), (40, "public_key")):
        golden.cut("HPKE configuration, X25519", "HpkeConfig", at, where)
    golden.refuse("HPKE list of none", "HpkeConfigList", "0000", "at least 10 octets")
    golden.refuse("HPKE list of nine octets", "HpkeConfigList", "0009 01 0000 0000 0000 0000",
                  "at least 10 octets, and a key of one")
    golden.refuse("HPKE configuration with empty key", "HpkeConfig", "01 0020 0001 0001 0000",
                  "public_key has at least one octet")
    golden.refuse("HPKE list, octet after it", "HpkeConfigList",
                  "000a 01 0000 0000 0000 0001 00 00", "an octet after the list")
    golden.refuse("HPKE list, length one too small", "HpkeConfigList",
                  "000a 01 0000 0000 0000 0002 0000", "the key runs past the list")
    golden.refuse("HPKE list, length one too great", "HpkeConfigList",
                  "000b 01 0000 0000 0000 0001 00 00", "an octet in the list is no configuration")


def bytes_of_ciphertexts(golden):
    for at, where in ((0, "config_id"), (2, "the length of enc"), (20, "enc"),
                      (37, "the length of payload"), (50, "payload")):
        golden.cut("ciphertext", "HpkeCiphertext", at, where)
    golden.refuse("ciphertext with empty enc", "HpkeCiphertext", "00 0000 00000001 bb",
                  "enc has at least one octet")
    golden.refuse("ciphertext with empty payload", "HpkeCiphertext", "00 0001 aa 00000000",
                  "payload has at least one octet")
    golden.refuse("ciphertext, octet after it", "HpkeCiphertext", LEAST_CIPHERTEXT + "00",
                  "an octet after it")
    golden.refuse("ciphertext that claims 4 GiB", "HpkeCiphertext", "00 0001 aa ffffffff bb",
                  "2^32-1 octets are promised, one is there: nothing may be reserved for them")


def bytes_of_tasks(golden):
    whole = golden.bytes_of("task, Prio3Count").hex()
    # 2 task_info, 21 and 21 URLs, 8 and 8 numbers, 1 mode, 2, 4 VDAF, 2, 2 extensions: 71.
    for at, where in ((1, "task_info"), (3, "the length of the Leader's URL"),
                      (20, "the Leader's URL"), (40, "the Helper's URL"),
                      (50, "time_precision"), (59, "min_batch_size"), (60, "batch_mode"),
                      (62, "batch_config"), (66, "vdaf_type"), (68, "vdaf_configuration"),
                      (70, "extensions")):
        golden.cut("task, Prio3Count", "TaskConfiguration", at, where)
    golden.refuse("task with empty task_info", "TaskConfiguration", "00" + whole[4:],
                  "task_info has at least one octet")
    golden.refuse("task with empty URL", "TaskConfiguration", whole[:4] + "0000" + whole[46:],
                  "a Url has at least one octet")
    golden.refuse("task, extension cut by the length of the list", "TaskConfiguration",
                  whole[:-4] + "0003 0001 00", "three octets are no extension")


def bytes_of_reports(golden):
    for at, where in ((15, "report_id"), (23, "time"), (25, "public_extensions")):
        golden.cut("metadata", "ReportMetadata", at, where)
    for at, where in ((26, "the length of public_share"), (30, "the Leader's ciphertext"),
                      (38, "the Leader's payload"), (39, "the Helper's ciphertext"),
                      (46, "the Helper's payload")):
        golden.cut("report, least", "Report", at, where)
    golden.cut("upload of three", "UploadRequest", 350, "the last report")
    golden.refuse("metadata, extensions one octet short", "ReportMetadata",
                  ID_A + "0000000000000001" "0004 0017 0001 aa",
                  "the data of the extension run past the list, and an octet is left")
    golden.refuse("metadata, one octet of an extension", "ReportMetadata",
                  ID_A + "0000000000000001" "0001 00", "one octet is no extension")
    golden.refuse("metadata without a list of extensions", "ReportMetadata",
                  ID_A + "0000000000000001", "the form of DAP-09")
    golden.refuse("report as in DAP-09", "Report",
                  ID_A + "0000000000000001" "00000000" + LEAST_CIPHERTEXT + LEAST_CIPHERTEXT,
                  "without public_extensions the lengths no longer fit")
    golden.refuse("report, public share too long", "Report",
                  LEAST_METADATA + "00000100" + LEAST_CIPHERTEXT + LEAST_CIPHERTEXT,
                  "256 octets of public share are promised, 18 are there")
    golden.refuse("report, octet after it", "Report",
                  golden.bytes_of("report, least").hex() + "00", "an octet after it")
    golden.refuse("upload, octet after it", "UploadRequest",
                  golden.bytes_of("upload of one").hex() + "00", "one octet is no report")
    golden.cut("upload errors, two", "UploadErrors", 33, "the second error")
    golden.cut("plaintext share", "PlaintextInputShare", 6, "payload")
    golden.refuse("plaintext share with empty payload", "PlaintextInputShare", "0000 00000000",
                  "payload has at least one octet")
    golden.refuse("plaintext share, octet after it", "PlaintextInputShare",
                  "0000 00000001 05 00", "an octet after it")
    golden.cut("input share AAD, least", "InputShareAad", 31, "task_id")
    golden.refuse("extension, data too short", "Extension", "0017 0002 aa",
                  "two octets are promised, one is there")
    golden.refuse("interval of 15 octets", "Interval", "00" * 15, "16 octets")
    golden.refuse("interval of 17 octets", "Interval", "00" * 17, "16 octets")


def bytes_of_aggregation(golden):
    for at, where in ((0, "verification_key_id"), (4, "the length of agg_param"),
                      (6, "the length of extensions"), (30, "the first report")):
        golden.cut("aggregation by time", "AggregationJobInitReq", at, where)
    golden.cut("aggregation of a selected batch", "AggregationJobInitReq", 40, "the extension")
    golden.refuse("aggregation without key identifier", "AggregationJobInitReq",
                  "00000000 0000", "one octet too few")
    golden.refuse("aggregation with a count of reports", "AggregationJobInitReq",
                  "00 00000000 0000 00000000", "verify_inits has no length of its own")
    golden.refuse("verify init with empty payload", "VerifyInit",
                  LEAST_METADATA + "00000000" + LEAST_CIPHERTEXT + "00000000",
                  "payload has at least one octet")
    golden.refuse("verify resp of unknown type", "VerifyResp", ID_A + "03", "type 3")
    golden.refuse("verify resp of type 255", "VerifyResp", ID_A + "ff", "type 255")
    golden.refuse("continue with empty payload", "VerifyResp", ID_A + "00 00000000",
                  "payload has at least one octet")
    golden.refuse("finish with an octet", "VerifyResp", ID_A + "01 00", "finish carries nothing")
    golden.refuse("reject without error", "VerifyResp", ID_A + "02", "the error is missing")
    golden.refuse("reject with two octets", "VerifyResp", ID_A + "02 05 05", "one octet too many")
    golden.cut("answer of each kind", "AggregationJobResp", 20, "the first payload")
    golden.cut("answer of each kind", "AggregationJobResp", 55, "the last answer")
    golden.refuse("answer with a length, as in DAP-09", "AggregationJobResp",
                  "00000011" + ID_A + "01", "four octets too many")
    golden.cut("continuation, first step", "AggregationJobContinueReq", 1, "step")
    golden.cut("continuation, first step", "AggregationJobContinueReq", 17, "report_id")
    golden.cut("continuation, first step", "AggregationJobContinueReq", 26, "payload")
    golden.refuse("verify continue with empty payload", "VerifyContinue", ID_A + "00000000",
                  "payload has at least one octet")


def bytes_of_ping_pong(golden):
    golden.refuse("ping-pong message of no octets", "PingPongMessage", "", "no type")
    golden.refuse("ping-pong message of type 3", "PingPongMessage", "03 00000000", "type 3")
    golden.refuse("initialize, cut in the length", "PingPongMessage", "00 000000", "cut")
    golden.refuse("initialize, cut in the share", "PingPongMessage", "00 00000002 01", "cut")
    golden.refuse("initialize, octet after it", "PingPongMessage", "00 00000001 01 00",
                  "an octet after it")
    golden.refuse("continue without share", "PingPongMessage", "01 00000001 0a",
                  "verifier_share is missing")
    golden.refuse("finish with a share", "PingPongMessage", "02 00000001 0a 00000001 0b",
                  "finish carries the message only")


def bytes_of_collection(golden):
    golden.cut("query by time", "Query", 2, "the length of config")
    golden.cut("query by time", "Query", 18, "config")
    golden.refuse("query, octet after it", "Query", "02 0000 00", "an octet after it")
    golden.cut("collection of the next batch", "CollectionJobReq", 6, "agg_param")
    golden.cut("collection of the next batch", "CollectionJobReq", 8, "extensions")
    golden.refuse("collection as in DAP-17", "CollectionJobReq", "02 0000 00000000",
                  "without extensions")
    golden.cut("collected, least ciphertexts", "CollectionJobResp", 23, "interval")
    golden.cut("collected, least ciphertexts", "CollectionJobResp", 33, "the Helper's share")
    golden.refuse("collected as in DAP-17", "CollectionJobResp",
                  "02 0020" + BATCH_ID + "0000000000000064" "0000000000000000" "0000000000000001"
                  + LEAST_CIPHERTEXT + LEAST_CIPHERTEXT, "a partial batch selector before it")
    golden.cut("aggregate share wanted, by ID", "AggregateShareReq", 43, "the selector")
    golden.cut("aggregate share wanted, by ID", "AggregateShareReq", 51, "report_count")
    golden.cut("aggregate share wanted, by ID", "AggregateShareReq", 83, "checksum")
    golden.refuse("aggregate share, octet after it", "AggregateShare", LEAST_CIPHERTEXT + "00",
                  "an octet after it")
    golden.refuse("batch ID of 31 octets", "LeaderSelectedBatchSelectorConfig", "60" * 31,
                  "32 octets")
    golden.refuse("time interval query of 8 octets", "TimeIntervalQueryConfig", "00" * 8,
                  "16 octets")


def rules_of_reports(golden):
    """Section 4.5.3.4: such a report is refused alone; the job that carries it goes on."""
    answer = "the report: invalid_message; nothing else in the request"
    for name, items, reason in (
            ("not in order", [extension(42), extension(23)], "42 before 23"),
            ("twice the same", [extension(23, "01"), extension(23, "01")], "23 twice"),
            ("twice the same, other data", [extension(23), extension(23, "02")], "23 twice")):
        golden.break_rule(f"public extensions {name}", "ReportMetadata",
                          METADATA | {"public_extensions": items}, reason, answer, "4.5.3.4")
        golden.break_rule(f"private extensions {name}", "PlaintextInputShare",
                          {"private_extensions": items, "payload": "05"}, reason, answer,
                          "4.5.3.4")
    golden.break_rule("public extension unknown", "ReportMetadata",
                      METADATA | {"public_extensions": [extension(65535)]}, "nobody knows it",
                      "the report: invalid_message; at upload unsupportedExtension is allowed",
                      "4.5.3.4, 4.4.2.2")
    golden.break_rule("HPKE list, an id twice", "HpkeConfigList", {"configs": [
        {"id": 1, "kem_id": 32, "kdf_id": 1, "aead_id": 1, "public_key": "00" * 32},
        {"id": 1, "kem_id": 16, "kdf_id": 1, "aead_id": 1, "public_key": "04" + "00" * 64}]},
        "id values are distinct", "the Client aborts", "4.4.1")


def rules_of_jobs(golden):
    share = {"report_metadata": METADATA, "public_share": "",
             "encrypted_input_share": HELPER_CIPHERTEXT}
    init = {"report_share": share, "payload": "0000000000"}
    job = {"verification_key_id": 0, "agg_param": "", "extensions": [], "verify_inits": [init]}
    batch = extension(1, BATCH_ID)
    kind = "AggregationJobInitReq"
    golden.break_rule("job extensions not in order", kind, job | {"extensions": [
        extension(2), batch]}, "2 before 1; and 2 is unknown",
        "invalidMessage or unsupportedExtension", "4.5.3.2")
    golden.break_rule("job extension twice", kind, job | {"extensions": [batch, batch]}, "1 twice",
                      "invalidMessage", "4.5.3.2")
    golden.break_rule("job extension unknown", kind, job | {"extensions": [batch, extension(9)]},
                      "nobody knows 9", "unsupportedExtension", "4.5.3.2")
    golden.break_rule("leader-selected job without batch ID", kind, job,
                      "in a leader-selected task", "invalidMessage", "5.2.2")
    golden.break_rule("leader-selected job, batch ID of 31 octets", kind,
                      job | {"extensions": [extension(1, "60" * 31)]}, "32 octets",
                      "invalidMessage", "5.2.2")
    golden.break_rule("report twice in a job", kind, job | {"verify_inits": [init, init]},
                      "report IDs are distinct", "invalidMessage", "4.5.3.2")
    golden.break_rule("parameter for Prio3", kind, job | {"agg_param": "00"},
                      "the only parameter of Prio3 is empty", "invalidAggregationParameter",
                      "4.3, 4.5.3.2")
    golden.break_rule("continuation of step 0", "AggregationJobContinueReq",
                      {"step": 0, "verify_continues": [{"report_id": ID_A, "payload": "01"}]},
                      "the first step is 1", "invalidMessage", "4.5.4.2")
    golden.break_rule("report twice in a continuation", "AggregationJobContinueReq",
                      {"step": 1, "verify_continues": [{"report_id": ID_A, "payload": "01"},
                                                       {"report_id": ID_A, "payload": "01"}]},
                      "report IDs are distinct", "invalidMessage", "4.5.4.2")
    golden.break_rule("answer in another order", "AggregationJobResp", {"verify_resps": [
        resp(ID_B, payload="0200000000"), resp(ID_A, payload="0200000000")]},
        "to a request for the reports 00.. and 10.. in this order",
        "the Leader abandons the job", "4.5.3.1")


def rules_of_collection(golden):
    job = {"query": by_time(1659544, 1), "agg_param": "", "extensions": []}
    kind = "CollectionJobReq"
    golden.break_rule("collection extensions not in order", kind,
                      job | {"extensions": [extension(3), extension(2)]}, "3 before 2",
                      "invalidExtension (both are unknown: unsupportedExtension)", "4.6.2")
    golden.break_rule("collection extension unknown", kind, job | {"extensions": [extension(9)]},
                      "nobody knows 9", "unsupportedExtension", "4.6.1")
    golden.break_rule("query by time of 8 octets", kind,
                      job | {"query": {"batch_mode": "time_interval", "config": "00" * 8}},
                      "an Interval has 16 octets", "invalidMessage", "4.6.1, 5.1.1")
    golden.break_rule("query for the next batch with an ID", kind,
                      job | {"query": {"batch_mode": "leader_selected", "config": BATCH_ID}},
                      "config is empty in this mode", "invalidMessage", "4.6.1, 5.2.1")
    golden.break_rule("query of no duration", kind, job | {"query": by_time(1659544, 0)},
                      "the duration is at least one time precision", "batchInvalid", "5.1.3")
    golden.break_rule("selector outside of the query", "AggregateShareReq",
                      {"collection_job_req": job, "batch_selector": by_time(1659544, 2),
                       "report_count": "100", "checksum": "00" * 32},
                      "the selector ends after the query",
                      "an error; the draft names none for it (batchInvalid is the nearest)",
                      "5.1.2, 4.6.4")
    golden.break_rule("selector of another mode", "AggregateShareReq",
                      {"collection_job_req": job, "batch_selector":
                       {"batch_mode": "leader_selected", "config": BATCH_ID},
                       "report_count": "100", "checksum": "00" * 32},
                      "in a task by time", "invalidMessage", "4.6.4")
    golden.break_rule("task extensions not in order", "TaskConfiguration", COUNT_TASK | {
        "extensions": [extension(2), extension(1, "00" * 16)]}, "2 before 1",
        "no part is taken in the task", "4.2.2")
    golden.break_rule("task interval of 8 octets", "TaskConfiguration", COUNT_TASK | {
        "extensions": [extension(1, "00" * 8)]}, "an Interval has 16 octets",
        "no part is taken in the task", "4.2.3")
    golden.break_rule("same extension public and private", "InputShareAad", {
        "task_id": TASK_ID, "task_configuration": COUNT_TASK,
        "report_metadata": METADATA | {"public_extensions": [extension(3)]}, "public_share": ""},
        "with a PlaintextInputShare whose private_extensions hold 3 as well",
        "the report: invalid_message", "4.5.3.4")


def unsettled(golden):
    for code, why in (("00", "reserved"), ("0c", "the first one not assigned"), ("ff", "unknown")):
        golden.leave_open(f"reject with error {code}", "VerifyResp", ID_A + "02" + code,
                          f"{why}; RFC 8446 section 3.5 lets values of later documents be read")
        golden.leave_open(f"upload status with error {code}", "ReportUploadStatus", ID_A + code,
                          f"{why}; RFC 8446 section 3.5 lets values of later documents be read")
    for code in ("00", "03"):
        golden.leave_open(f"query of mode {code}", "Query", code + "0000",
                          "can be read, but is no task's mode: invalidMessage in the end")
    golden.leave_open("upload errors of none", "UploadErrors", "",
                      "an empty body says that all reports were accepted (4.4.2.2)")


def add(golden):
    for part in (bytes_of_configs, bytes_of_ciphertexts, bytes_of_tasks, bytes_of_reports,
                 bytes_of_aggregation, bytes_of_ping_pong, bytes_of_collection, rules_of_reports,
                 rules_of_jobs, rules_of_collection, unsettled):
        part(golden)
