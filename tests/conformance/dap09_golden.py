#!/usr/bin/env python3
"""Writes testdata/dap09_golden.json: messages of DAP-09, octet by octet. `--check` checks it.

Source: draft-ietf-ppm-dap-09 and draft-irtf-cfrg-vdaf-08, read without any implementation at hand.
"""

import dap09_format
from dap_samples import (AGGREGATORS, BATCH_ID, CHECKSUM, HELPER_CIPHERTEXT, ID_A, ID_B, ID_C,
                           LEADER_CIPHERTEXT, SHORT_CIPHERTEXT, TASK_ID, U64_MAX, extension,
                           interval, run)
from dap_wire import Golden

ABOUT = {
    "source": "draft-ietf-ppm-dap-09, draft-irtf-cfrg-vdaf-08 section 5.8",
    "made_by": "tests/conformance/dap09_golden.py",
    "fields": "octets are hexadecimal, integers up to 32 bits numbers, 64 bits decimal strings",
    "cases": "well formed: decode to the fields, encode to the same octets",
    "refused": "layer bytes: no such message; layer rule: a message that a rule turns away, "
               "with the answer the draft names",
    "unsettled": "the draft is silent: refuse, or decode and encode unchanged",
}

G = Golden("dap09_golden", ABOUT, dap09_format.WRITERS, dap09_format.SHAPES, dap09_format.SECTIONS)

# Multiples of a time precision of 1000 seconds.
METADATA = {"report_id": ID_A, "time": "1659544000"}
BY_TIME = {"query_type": "time_interval", "batch_interval": interval(1659544000, 1000)}
BY_TIME_HEX = "01 0000000062eaa1c0 00000000000003e8"
LEAST_CIPHERTEXT = "00 0001 aa 00000001 bb"
LEAST_SHARE = ID_A + "0000000062eaa1c0" "00000000" + LEAST_CIPHERTEXT


def hpke():
    x25519 = {"id": 17, "kem_id": 0x20, "kdf_id": 1, "aead_id": 1, "public_key": run(0x40, 32)}
    p256 = {"id": 194, "kem_id": 0x10, "kdf_id": 1, "aead_id": 1, "public_key": "04" + run(1, 64)}
    G.accept("HPKE configuration", "HpkeConfig", x25519,
             spelt="11 0020 0001 0001 0020" + run(0x40, 32))
    G.accept("HPKE list of one", "HpkeConfigList", {"configs": [x25519]},
             spelt="0029 11 0020 0001 0001 0020" + run(0x40, 32))
    G.accept("HPKE list of two", "HpkeConfigList", {"configs": [p256, x25519]})
    G.accept("ciphertext, least", "HpkeCiphertext", SHORT_CIPHERTEXT, spelt=LEAST_CIPHERTEXT)
    G.accept("ciphertext", "HpkeCiphertext", LEADER_CIPHERTEXT)
    G.accept("interval", "Interval", interval(1659544000, 1000), spelt=BY_TIME_HEX[2:])
    G.accept("extension without data", "Extension", extension(0), spelt="0000 0000")
    G.accept("extension", "Extension", extension(65535, "0102"), spelt="ffff 0002 0102")


def upload():
    G.accept("metadata", "ReportMetadata", METADATA, spelt=ID_A + "0000000062eaa1c0")
    G.accept("metadata, latest time", "ReportMetadata", {"report_id": ID_C, "time": str(U64_MAX)},
             spelt="ff" * 24)
    G.accept("report, least", "Report",
             {"report_metadata": METADATA, "public_share": "",
              "leader_encrypted_input_share": SHORT_CIPHERTEXT,
              "helper_encrypted_input_share": SHORT_CIPHERTEXT},
             spelt=LEAST_SHARE + LEAST_CIPHERTEXT)
    G.accept("report", "Report",
             {"report_metadata": METADATA, "public_share": run(0x20, 32),
              "leader_encrypted_input_share": LEADER_CIPHERTEXT,
              "helper_encrypted_input_share": HELPER_CIPHERTEXT})
    G.accept("plaintext share", "PlaintextInputShare", {"extensions": [], "payload": "05"},
             spelt="0000 00000001 05")
    G.accept("plaintext share, empty", "PlaintextInputShare", {"extensions": [], "payload": ""},
             "allowed here, not in DAP-18", spelt="0000 00000000")
    G.accept("plaintext share with extensions", "PlaintextInputShare",
             {"extensions": [extension(9), extension(4, "0a0b")], "payload": run(0, 48)},
             "no order is asked for here")
    G.accept("input share AAD, no public share", "InputShareAad",
             {"task_id": TASK_ID, "report_metadata": METADATA, "public_share": ""},
             spelt=TASK_ID + ID_A + "0000000062eaa1c0" "00000000")
    G.accept("input share AAD", "InputShareAad",
             {"task_id": TASK_ID, "report_metadata": METADATA, "public_share": run(0x20, 32)})
    for role, octet in AGGREGATORS:
        G.accept(f"info for the input share of the {role}", "InputShareInfo",
                 {"server_role": role}, spelt=b"dap-09 input share".hex() + "01" + octet)


def ping_pong():
    G.accept("initialize", "PingPongMessage", {"type": "initialize", "prep_share": "0102"},
             spelt="00 00000002 0102")
    G.accept("continue", "PingPongMessage",
             {"type": "continue", "prep_msg": "0a0b", "prep_share": "0c"},
             spelt="01 00000002 0a0b 00000001 0c")
    G.accept("finish", "PingPongMessage", {"type": "finish", "prep_msg": run(0x30, 16)},
             spelt="02 00000010" + run(0x30, 16))
    G.accept("finish, empty", "PingPongMessage", {"type": "finish", "prep_msg": ""},
             spelt="02 00000000")


def aggregation():
    share = {"report_metadata": METADATA, "public_share": "",
             "encrypted_input_share": SHORT_CIPHERTEXT}
    other = {"report_metadata": {"report_id": ID_B, "time": "0"}, "public_share": "0102",
             "encrypted_input_share": HELPER_CIPHERTEXT}
    first, second = ({"report_share": s, "payload": "000000000101"} for s in (share, other))
    by_time, by_id = {"query_type": "time_interval"}, {"query_type": "fixed_size",
                                                       "batch_id": BATCH_ID}
    G.accept("partial selector by time", "PartialBatchSelector", by_time, spelt="01")
    G.accept("partial selector of fixed size", "PartialBatchSelector", by_id,
             spelt="02" + BATCH_ID)
    G.accept("report share", "ReportShare", share, spelt=LEAST_SHARE)
    G.accept("prepare init", "PrepareInit", first, spelt=LEAST_SHARE + "00000006 000000000101")
    G.accept("prepare init, empty payload", "PrepareInit", {"report_share": share, "payload": ""},
             "allowed here; as a ping-pong message it fails")
    # 16 + 8 + 4 + 9 + 4 + 6 octets.
    G.accept("aggregation by time", "AggregationJobInitReq",
             {"agg_param": "", "part_batch_selector": by_time, "prepare_inits": [first]},
             spelt="00000000 01 0000002f" + LEAST_SHARE + "00000006 000000000101")
    G.accept("aggregation of fixed size", "AggregationJobInitReq",
             {"agg_param": "0001", "part_batch_selector": by_id,
              "prepare_inits": [first, second]})
    G.accept("prepare resp, continue", "PrepareResp",
             {"report_id": ID_A, "prepare_resp_state": "continue", "payload": "0200000000"},
             spelt=ID_A + "00 00000005 0200000000")
    G.accept("prepare resp, finished", "PrepareResp",
             {"report_id": ID_A, "prepare_resp_state": "finished"}, spelt=ID_A + "01")
    for name, code in dap09_format.PREPARE_ERROR.items():
        G.accept(f"prepare resp, reject, {name}", "PrepareResp",
                 {"report_id": ID_A, "prepare_resp_state": "reject", "prepare_error": name},
                 spelt=ID_A + f"02 {code:02x}")
    # 16 + 1 + 4 + 1, 16 + 1 and 16 + 2 octets.
    G.accept("answer of each kind", "AggregationJobResp", {"prepare_resps": [
        {"report_id": ID_A, "prepare_resp_state": "continue", "payload": "02"},
        {"report_id": ID_B, "prepare_resp_state": "finished"},
        {"report_id": ID_C, "prepare_resp_state": "reject", "prepare_error": "vdaf_prep_error"}]},
        spelt="00000039" + ID_A + "00 00000001 02" + ID_B + "01" + ID_C + "02 05")
    G.accept("prepare continue", "PrepareContinue", {"report_id": ID_B, "payload": ""},
             spelt=ID_B + "00000000")
    G.accept("continuation", "AggregationJobContinueReq",
             {"step": 1, "prepare_continues": [{"report_id": ID_A, "payload": "0200000000"}]},
             spelt="0001 00000019" + ID_A + "00000005 0200000000")


def collection():
    current = {"query_type": "fixed_size", "fixed_size_query": {"query_type": "current_batch"}}
    by_id = {"query_type": "fixed_size",
             "fixed_size_query": {"query_type": "by_batch_id", "batch_id": BATCH_ID}}
    selector = {"query_type": "fixed_size", "batch_id": BATCH_ID}
    G.accept("query by time", "Query", BY_TIME, spelt=BY_TIME_HEX)
    G.accept("query for a batch", "Query", by_id, spelt="02 00" + BATCH_ID)
    G.accept("query for the current batch", "Query", current, spelt="02 01")
    G.accept("collection by time", "CollectionReq", {"query": BY_TIME, "agg_param": ""},
             spelt=BY_TIME_HEX + "00000000")
    G.accept("collection of the current batch", "CollectionReq",
             {"query": current, "agg_param": "0001"}, spelt="02 01 00000002 0001")
    shares = {"leader_encrypted_agg_share": SHORT_CIPHERTEXT,
              "helper_encrypted_agg_share": LEADER_CIPHERTEXT}
    G.accept("collected by time", "Collection",
             {"part_batch_selector": {"query_type": "time_interval"}, "report_count": "100",
              "interval": interval(1659544000, 1000)} | shares)
    G.accept("collected, fixed size", "Collection",
             {"part_batch_selector": selector, "report_count": "100",
              "interval": interval(1659544000, 1000)} | shares)
    G.accept("selector by time", "BatchSelector", BY_TIME, spelt=BY_TIME_HEX)
    G.accept("selector of fixed size", "BatchSelector", selector, spelt="02" + BATCH_ID)
    G.accept("aggregate share wanted, by time", "AggregateShareReq",
             {"batch_selector": BY_TIME, "agg_param": "", "report_count": "100",
              "checksum": CHECKSUM},
             spelt=BY_TIME_HEX + "00000000" "0000000000000064" + CHECKSUM)
    G.accept("aggregate share wanted, fixed size", "AggregateShareReq",
             {"batch_selector": selector, "agg_param": "0001", "report_count": str(U64_MAX),
              "checksum": "00" * 32})
    G.accept("aggregate share", "AggregateShare",
             {"encrypted_aggregate_share": HELPER_CIPHERTEXT})
    G.accept("aggregate share AAD, by time", "AggregateShareAad",
             {"task_id": TASK_ID, "agg_param": "", "batch_selector": BY_TIME},
             spelt=TASK_ID + "00000000" + BY_TIME_HEX)
    G.accept("aggregate share AAD, fixed size", "AggregateShareAad",
             {"task_id": TASK_ID, "agg_param": "0001", "batch_selector": selector},
             spelt=TASK_ID + "00000002 0001 02" + BATCH_ID)
    for role, octet in AGGREGATORS:
        G.accept(f"info for the aggregate share of the {role}", "AggregateShareInfo",
                 {"server_role": role}, spelt=b"dap-09 aggregate share".hex() + octet + "00")


def refused():
    for at, where in ((15, "report_id"), (23, "time"), (27, "the length of public_share"),
                      (36, "the Leader's ciphertext"), (45, "the Helper's ciphertext")):
        G.cut("report, least", "Report", at, where)
    for at, where in ((3, "agg_param"), (4, "part_batch_selector"),
                      (8, "the length of prepare_inits"), (55, "prepare_inits")):
        G.cut("aggregation by time", "AggregationJobInitReq", at, where)
    G.refuse("report, octet after it", "Report", LEAST_SHARE + LEAST_CIPHERTEXT + "00",
             "an octet after it")
    G.refuse("HPKE list of none", "HpkeConfigList", "0000", "at least one octet")
    G.refuse("aggregation of none", "AggregationJobInitReq", "00000000 01 00000000",
             "prepare_inits has at least one octet")
    G.refuse("aggregation, length one too great", "AggregationJobInitReq",
             "00000000 01 00000030" + LEAST_SHARE + "00000006 000000000101 00",
             "the last octet is no report")
    G.refuse("aggregation, octet after it", "AggregationJobInitReq",
             "00000000 01 0000002f" + LEAST_SHARE + "00000006 000000000101 00",
             "an octet after the last report")
    G.refuse("partial selector of type 0", "PartialBatchSelector", "00", "reserved")
    G.refuse("partial selector of type 3", "PartialBatchSelector", "03", "what follows is unknown")
    G.refuse("partial selector by time with an ID", "PartialBatchSelector", "01" + BATCH_ID,
             "32 octets too many")
    G.refuse("query of unknown fixed-size type", "Query", "02 02", "type 2")
    G.refuse("query as in DAP-18", "Query", "01 0010 0000000062eaa1c0 00000000000003e8",
             "two octets too many")
    G.refuse("answer of none", "AggregationJobResp", "00000000", "at least one octet")
    G.refuse("answer without a length, as in DAP-18", "AggregationJobResp", ID_A + "01",
             "the first octets are no length")
    G.refuse("prepare resp of state 3", "PrepareResp", ID_A + "03", "state 3")
    G.refuse("reject without error", "PrepareResp", ID_A + "02", "the error is missing")
    G.refuse("continuation of none", "AggregationJobContinueReq", "0001 00000000",
             "prepare_continues has at least one octet")
    G.cut("aggregate share wanted, by time", "AggregateShareReq", 60, "checksum")
    G.refuse("ping-pong message of type 3", "PingPongMessage", "03 00000000", "type 3")
    G.break_rule("extension twice", "PlaintextInputShare",
                 {"extensions": [extension(3), extension(3)], "payload": "05"}, "3 twice",
                 "the report: invalid_message", "4.5.1.4")
    G.break_rule("query not on a time precision", "CollectionReq",
                 {"query": {"query_type": "time_interval",
                            "batch_interval": interval(1659544001, 1000)}, "agg_param": ""},
                 "with a time precision of 1000 seconds", "batchInvalid", "4.6.5.1.1")
    G.break_rule("query shorter than a time precision", "CollectionReq",
                 {"query": {"query_type": "time_interval",
                            "batch_interval": interval(1659544000, 0)}, "agg_param": ""},
                 "with a time precision of 1000 seconds", "batchInvalid", "4.6.5.1.1")
    G.break_rule("continuation of step 0", "AggregationJobContinueReq",
                 {"step": 0, "prepare_continues": [{"report_id": ID_A, "payload": "01"}]},
                 "the first step is 1", "invalidMessage", "4.5.2.2")
    G.leave_open("reject with error 10", "PrepareResp", ID_A + "02 0a",
                 "not assigned; RFC 8446 section 3.5 lets values of later documents be read")


if __name__ == "__main__":
    for part in (hpke, upload, ping_pong, aggregation, collection, refused):
        part()
    G.main()
