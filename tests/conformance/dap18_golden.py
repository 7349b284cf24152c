#!/usr/bin/env python3
"""Writes testdata/dap18_golden.json: messages of DAP-18, octet by octet. `--check` checks it.

Source: draft-ietf-ppm-dap-18 and draft-irtf-cfrg-vdaf-20, read without any implementation at hand.
The ciphertexts and shares are arbitrary octets: this is about the wire, not about what is sealed.
"""

import dap18_format
import dap18_refused
from dap_samples import (AGGREGATORS, BATCH_ID, CHECKSUM, COUNT_TASK, HELPER_CIPHERTEXT, ID_A,
                           ID_B, ID_C, LEADER_CIPHERTEXT, METADATA, SHORT_CIPHERTEXT, SUM_TASK,
                           TASK_ID, U64_MAX, by_time, extension, interval, resp, run)
from dap_wire import Golden

ABOUT = {
    "source": "draft-ietf-ppm-dap-18, draft-irtf-cfrg-vdaf-20 section 5.7.1",
    "made_by": "tests/conformance/dap18_golden.py",
    "fields": "octets are hexadecimal, integers up to 32 bits numbers, 64 bits decimal strings",
    "cases": "well formed: decode to the fields, encode to the same octets",
    "refused": "layer bytes: no such message; layer rule: a message that a rule turns away, "
               "with the answer the draft names",
    "unsettled": "the draft is silent: refuse, or decode and encode unchanged",
}

G = Golden("dap18_golden", ABOUT, dap18_format.WRITERS, dap18_format.SHAPES, dap18_format.SECTIONS)


def hpke():
    G.accept("HPKE configuration, least", "HpkeConfig",
             {"id": 0, "kem_id": 0, "kdf_id": 0, "aead_id": 0, "public_key": "00"},
             "ten octets: the lower bound of HpkeConfigList",
             spelt="00 0000 0000 0000 0001 00")
    x25519 = {"id": 17, "kem_id": 0x20, "kdf_id": 1, "aead_id": 1, "public_key": run(0x40, 32)}
    p256 = {"id": 194, "kem_id": 0x10, "kdf_id": 1, "aead_id": 1, "public_key": "04" + run(1, 64)}
    unknown = {"id": 255, "kem_id": 0xffff, "kdf_id": 0xfffe, "aead_id": 0xfffd,
               "public_key": "ab"}
    G.accept("HPKE configuration, X25519", "HpkeConfig", x25519,
             spelt="11 0020 0001 0001 0020" + run(0x40, 32))
    G.accept("HPKE configuration, P-256", "HpkeConfig", p256)
    G.accept("HPKE configuration, key of 256 octets", "HpkeConfig",
             x25519 | {"public_key": run(0, 256)})
    G.accept("HPKE configuration, unknown algorithms", "HpkeConfig", unknown,
             "a Client passes over it (4.4.1): it is no decoding error")
    G.accept("HPKE list of one", "HpkeConfigList", {"configs": [x25519]})
    G.accept("HPKE list of two", "HpkeConfigList", {"configs": [p256, x25519]},
             "the first is the one preferred")
    G.accept("HPKE list, least", "HpkeConfigList", {"configs": [
        {"id": 1, "kem_id": 0, "kdf_id": 0, "aead_id": 0, "public_key": "00"}]},
        spelt="000a 01 0000 0000 0000 0001 00")
    G.accept("HPKE list, an unknown one first", "HpkeConfigList", {"configs": [unknown, x25519]})
    G.accept("ciphertext, least", "HpkeCiphertext", SHORT_CIPHERTEXT,
             spelt="00 0001 aa 00000001 bb")
    G.accept("ciphertext", "HpkeCiphertext", LEADER_CIPHERTEXT)
    G.accept("ciphertext, payload of 256 octets", "HpkeCiphertext",
             {"config_id": 255, "enc": run(0, 65), "payload": run(0, 256)})


def extensions_and_times():
    G.accept("report extension without data", "Extension", extension(23), spelt="0017 0000")
    G.accept("report extension, type reserved", "Extension", extension(0),
             "the form is right; nobody recognizes the type")
    G.accept("report extension, highest type", "Extension", extension(65535, "0102"),
             spelt="ffff 0002 0102")
    G.accept("report extension of 256 octets", "Extension", extension(42, run(0, 256)))
    G.accept("aggregation job extension, batch ID", "AggregationJobExtension",
             extension(1, BATCH_ID), spelt="0001 0020" + BATCH_ID)
    G.accept("collection job extension", "CollectionJobExtension", extension(7, "c0ffee"))
    G.accept("task extension, task interval", "TaskExtension",
             extension(1, "000000000000000a" "0000000000000014"))
    G.accept("task interval", "TaskIntervalTaskExtension", {"task_interval": interval(10, 20)},
             spelt="000000000000000a 0000000000000014")
    # The example of section 4.1.1.1.
    G.accept("interval of the draft", "Interval", interval(123456789, 11),
             spelt="00000000075bcd15 000000000000000b")
    G.accept("interval of nothing", "Interval", interval(0, 0))
    G.accept("interval, greatest start", "Interval", interval(U64_MAX, 0))


def tasks():
    G.accept("task, Prio3Count", "TaskConfiguration", COUNT_TASK, spelt=(
        "01 78"                                        # task_info "x"
        "0013" + b"https://l.example/a".hex()
        + "0013" + b"https://h.example/b".hex()
        + "0000000000000e10 0000000000000064"          # 3600 seconds; 100 reports
        "01 0000"                                      # time_interval
        "00000001 0000"                                # Prio3Count
        "0000"))
    G.accept("task, Prio3Sum, leader-selected, with an interval", "TaskConfiguration", SUM_TASK)
    G.accept("task, task_info of 255 octets", "TaskConfiguration",
             COUNT_TASK | {"task_info": run(0, 255)})
    G.accept("task, two extensions", "TaskConfiguration",
             COUNT_TASK | {"extensions": [extension(1, "00" * 16), extension(65535)]},
             "sorted; the second is one that nobody recognizes")
    G.accept("task, batch configuration", "TaskConfiguration",
             COUNT_TASK | {"batch_config": "0102"}, "for batch modes of later documents")
    G.accept("Prio3Count", "Prio3CountConfig", {}, spelt="")
    G.accept("Prio3Sum", "Prio3SumConfig", {"max_measurement": "255"}, spelt="00000000000000ff")
    G.accept("Prio3SumVec", "Prio3SumVecConfig",
             {"length": 10, "max_measurement": "65535", "chunk_length": 3},
             spelt="0000000a 000000000000ffff 00000003")
    G.accept("Prio3Histogram", "Prio3HistogramConfig", {"length": 100, "chunk_length": 10},
             spelt="00000064 0000000a")
    G.accept("Prio3MultihotCountVec", "Prio3MultihotCountVecConfig",
             {"length": 4, "chunk_length": 2, "max_weight": "3"},
             spelt="00000004 00000002 0000000000000003")
    G.accept("Poplar1", "Poplar1Config", {"bits": 256}, spelt="0100")


def uploads():
    G.accept("metadata", "ReportMetadata", METADATA,
             spelt="000102030405060708090a0b0c0d0e0f" "000000000109cd94" "0000")
    G.accept("metadata, one extension", "ReportMetadata",
             METADATA | {"public_extensions": [extension(23)]})
    G.accept("metadata, two extensions", "ReportMetadata",
             METADATA | {"public_extensions": [extension(23, "01"), extension(42, "0203")]},
             spelt="000102030405060708090a0b0c0d0e0f" "000000000109cd94"
                   "000b 0017 0001 01 002a 0002 0203")
    G.accept("metadata, latest time", "ReportMetadata", METADATA | {"time": str(U64_MAX)})
    plain = {"report_metadata": METADATA, "public_share": "",
             "leader_encrypted_input_share": LEADER_CIPHERTEXT,
             "helper_encrypted_input_share": HELPER_CIPHERTEXT}
    other = {"report_metadata": {"report_id": ID_B, "time": "0",
                                 "public_extensions": [extension(1), extension(2, "ff")]},
             "public_share": run(0x20, 64), "leader_encrypted_input_share": SHORT_CIPHERTEXT,
             "helper_encrypted_input_share": HELPER_CIPHERTEXT}
    least = {"report_metadata": METADATA, "public_share": "",
             "leader_encrypted_input_share": SHORT_CIPHERTEXT,
             "helper_encrypted_input_share": SHORT_CIPHERTEXT}
    G.accept("report without public share", "Report", plain)
    G.accept("report with public share and extensions", "Report", other)
    G.accept("report, least", "Report", least,
             spelt="000102030405060708090a0b0c0d0e0f" "000000000109cd94" "0000" "00000000"
                   "00 0001 aa 00000001 bb" "00 0001 aa 00000001 bb")
    G.accept("upload of one", "UploadRequest", {"reports": [plain]})
    G.accept("upload of three", "UploadRequest", {"reports": [plain, other, least]})
    # No report, no octet. Whether a Leader takes it, the draft does not say.
    G.leave_open("upload of none", "UploadRequest", "",
                 "UploadRequest has no lower bound, so that no octets are no reports")
    for name, code in dap18_format.REPORT_ERROR.items():
        G.accept(f"upload status, {name}", "ReportUploadStatus", {"id": ID_A, "error": name},
                 spelt=ID_A + f"{code:02x}")
    G.accept("upload errors, one", "UploadErrors",
             {"status": [{"id": ID_A, "error": "outdated_config"}]})
    G.accept("upload errors, two", "UploadErrors",
             {"status": [{"id": ID_C, "error": "report_too_early"},
                         {"id": ID_B, "error": "report_replayed"}]},
             "in the order of the request",
             spelt=ID_C + "09" + ID_B + "02")
    G.accept("plaintext share", "PlaintextInputShare", {"private_extensions": [], "payload": "05"},
             spelt="0000 00000001 05")
    G.accept("plaintext share with extensions", "PlaintextInputShare",
             {"private_extensions": [extension(3), extension(4, "0a0b")], "payload": run(0, 48)})
    G.accept("input share AAD, least", "InputShareAad",
             {"task_id": TASK_ID, "task_configuration": COUNT_TASK, "report_metadata": METADATA,
              "public_share": ""})
    G.accept("input share AAD", "InputShareAad",
             {"task_id": TASK_ID, "task_configuration": SUM_TASK,
              "report_metadata": METADATA | {"public_extensions": [extension(23, "01")]},
              "public_share": run(0x20, 64)})
    for role, octet in AGGREGATORS:
        G.accept(f"info for the input share of the {role}", "InputShareInfo",
                 {"server_role": role}, spelt=b"dap-18 input share".hex() + "01" + octet)
    G.accept("context of the VDAF", "VdafContext", {"task_id": TASK_ID},
             spelt="6461702d3138" + TASK_ID)


def ping_pong():
    G.accept("initialize", "PingPongMessage",
             {"type": "initialize", "verifier_share": "0102030405060708"},
             spelt="00 00000008 0102030405060708")
    G.accept("initialize, empty", "PingPongMessage", {"type": "initialize", "verifier_share": ""},
             spelt="00 00000000")
    G.accept("continue", "PingPongMessage",
             {"type": "continue", "verifier_message": "0a0b", "verifier_share": "0c"},
             spelt="01 00000002 0a0b 00000001 0c")
    G.accept("continue, empty", "PingPongMessage",
             {"type": "continue", "verifier_message": "", "verifier_share": ""})
    G.accept("finish", "PingPongMessage", {"type": "finish", "verifier_message": run(0x30, 32)},
             spelt="02 00000020" + run(0x30, 32))
    G.accept("finish, empty", "PingPongMessage", {"type": "finish", "verifier_message": ""},
             "Prio3 without joint randomness has an empty verifier message", spelt="02 00000000")


def aggregation():
    share = {"report_metadata": METADATA, "public_share": "",
             "encrypted_input_share": HELPER_CIPHERTEXT}
    with_extension = {"report_metadata": {"report_id": ID_B, "time": "5",
                                          "public_extensions": [extension(9, "aa")]},
                      "public_share": "0102", "encrypted_input_share": SHORT_CIPHERTEXT}
    first = {"report_share": share, "payload": "00 00000002 0102".replace(" ", "")}
    second = {"report_share": with_extension, "payload": "0000000000"}
    batch = extension(1, BATCH_ID)
    G.accept("report share", "ReportShare", share)
    G.accept("report share with extension", "ReportShare", with_extension)
    G.accept("verify init", "VerifyInit", first)
    G.accept("verify init, one octet", "VerifyInit", {"report_share": share, "payload": "ff"},
             "DAP does not look into the payload")
    none = {"verification_key_id": 0, "agg_param": "", "extensions": [], "verify_inits": []}
    G.accept("aggregation of none", "AggregationJobInitReq", none,
             "the draft has no lower bound; the answer would be empty, as an answer put off is",
             spelt="00 00000000 0000")
    G.accept("aggregation by time", "AggregationJobInitReq", none | {"verify_inits": [first]})
    G.accept("aggregation of a selected batch", "AggregationJobInitReq",
             none | {"extensions": [batch], "verify_inits": [first, second]})
    G.accept("aggregation with key 255 and a parameter", "AggregationJobInitReq",
             {"verification_key_id": 255, "agg_param": "00010002", "extensions": [batch],
              "verify_inits": [second]})
    G.accept("aggregation, two extensions", "AggregationJobInitReq",
             none | {"extensions": [batch, extension(2)], "verify_inits": [first]},
             "sorted; the second is one that nobody recognizes")
    G.accept("verify resp, continue", "VerifyResp", resp(ID_A, payload="0200000000"),
             spelt=ID_A + "00 00000005 0200000000")
    G.accept("verify resp, finish", "VerifyResp", resp(ID_A), spelt=ID_A + "01")
    for name, code in dap18_format.REPORT_ERROR.items():
        G.accept(f"verify resp, reject, {name}", "VerifyResp", resp(ID_A, error=name),
                 spelt=ID_A + f"02 {code:02x}")
    G.accept("answer for one", "AggregationJobResp",
             {"verify_resps": [resp(ID_A, payload="0200000000")]})
    G.accept("answer of each kind", "AggregationJobResp", {"verify_resps": [
        resp(ID_A, payload="02"), resp(ID_B), resp(ID_C, error="vdaf_verify_error")]},
        "as octets; in one job continue and finish do not meet (4.5.3.1)",
        spelt=ID_A + "00 00000001 02" + ID_B + "01" + ID_C + "02 06")
    G.accept("answer, all refused", "AggregationJobResp", {"verify_resps": [
        resp(i, error="report_replayed") for i in (ID_A, ID_B, ID_C)]})
    G.leave_open("answer for none", "AggregationJobResp", "",
                 "an empty body says that the answer is put off (3.1)")
    G.accept("verify continue", "VerifyContinue", {"report_id": ID_B, "payload": "0100"},
             spelt=ID_B + "00000002 0100")
    G.accept("continuation, first step", "AggregationJobContinueReq",
             {"step": 1, "verify_continues": [{"report_id": ID_A, "payload": "0200000000"}]},
             spelt="0001" + ID_A + "00000005 0200000000")
    G.accept("continuation, last step, two reports", "AggregationJobContinueReq",
             {"step": 65535, "verify_continues": [{"report_id": ID_B, "payload": "01"},
                                                  {"report_id": ID_A, "payload": run(0, 40)}]})
    G.accept("continuation of none", "AggregationJobContinueReq",
             {"step": 2, "verify_continues": []}, spelt="0002")


def collection():
    hour = by_time(1659544, 1)
    selected = {"batch_mode": "leader_selected", "config": ""}
    by_id = {"batch_mode": "leader_selected", "config": BATCH_ID}
    G.accept("query by time", "Query", hour,
             spelt="01 0010 0000000000195298 0000000000000001")
    G.accept("query for the next batch", "Query", selected, spelt="02 0000")
    G.accept("selector by time", "BatchSelector", by_time(0, 1))
    G.accept("selector by ID", "BatchSelector", by_id, spelt="02 0020" + BATCH_ID)
    G.accept("what a query by time holds", "TimeIntervalQueryConfig",
             {"batch_interval": interval(1659544, 1)})
    G.accept("what a selector by time holds", "TimeIntervalBatchSelectorConfig",
             {"batch_interval": interval(1659544, 10)})
    G.accept("what a selector by ID holds", "LeaderSelectedBatchSelectorConfig",
             {"batch_id": BATCH_ID})
    next_batch = {"query": selected, "agg_param": "", "extensions": []}
    that_hour = {"query": hour, "agg_param": "0001", "extensions": [extension(7, "c0ffee")]}
    G.accept("collection of the next batch", "CollectionJobReq", next_batch,
             spelt="02 0000 00000000 0000")
    G.accept("collection by time, with an extension", "CollectionJobReq", that_hour)
    # Start and duration as in the first example of section 4.6.1.1.
    G.accept("collected", "CollectionJobResp",
             {"report_count": "1000", "interval": interval(16595440, 1),
              "leader_encrypted_agg_share": LEADER_CIPHERTEXT,
              "helper_encrypted_agg_share": HELPER_CIPHERTEXT})
    G.accept("collected, least ciphertexts", "CollectionJobResp",
             {"report_count": str(U64_MAX), "interval": interval(0, 1),
              "leader_encrypted_agg_share": SHORT_CIPHERTEXT,
              "helper_encrypted_agg_share": SHORT_CIPHERTEXT},
             spelt="ffffffffffffffff" "0000000000000000" "0000000000000001"
                   "00 0001 aa 00000001 bb" "00 0001 aa 00000001 bb")
    G.accept("aggregate share wanted, by ID", "AggregateShareReq",
             {"collection_job_req": next_batch, "batch_selector": by_id, "report_count": "100",
              "checksum": CHECKSUM},
             spelt="02 0000 00000000 0000" "02 0020" + BATCH_ID + "0000000000000064" + CHECKSUM)
    # The intervals of the example of section 4.6.4.1: the selector lies within the query.
    G.accept("aggregate share wanted, by time", "AggregateShareReq",
             {"collection_job_req": that_hour | {"query": by_time(1659540, 100)},
              "batch_selector": by_time(1659544, 10), "report_count": "1000",
              "checksum": CHECKSUM})
    G.accept("aggregate share", "AggregateShare",
             {"encrypted_aggregate_share": HELPER_CIPHERTEXT})
    G.accept("aggregate share, least", "AggregateShare",
             {"encrypted_aggregate_share": SHORT_CIPHERTEXT})
    G.accept("aggregate share AAD, next batch", "AggregateShareAad",
             {"task_id": TASK_ID, "task_configuration": SUM_TASK,
              "collection_job_req": next_batch}, "the batch ID is not in it")
    G.accept("aggregate share AAD, by time", "AggregateShareAad",
             {"task_id": TASK_ID, "task_configuration": COUNT_TASK,
              "collection_job_req": that_hour})
    for role, octet in AGGREGATORS:
        G.accept(f"info for the aggregate share of the {role}", "AggregateShareInfo",
                 {"server_role": role}, spelt=b"dap-18 aggregate share".hex() + octet + "00")


def derived():
    for ids in ([], [ID_A], [ID_A, ID_B, ID_C]):
        G.derive(f"checksum of {len(ids)} reports", "4.5.4.3", {"report_ids": ids},
                 dap18_format.batch_checksum(ids))
    # The example of section 3 gives both texts.
    for name, identifier, text in (
            ("task ID in a path", TASK_ID, "8BY0RzZMzxvA46_8ymhzycOB9krN-QIGYvg_RsByGec"),
            ("job ID in a path", "95ceda51e1a9752368b0d961f9466128", "lc7aUeGpdSNosNlh-UZhKA")):
        G.derive(name, "3", {"id": identifier}, dap18_format.path_text(identifier), text)


if __name__ == "__main__":
    for part in (hpke, extensions_and_times, tasks, uploads, ping_pong, aggregation, collection,
                 derived):
        part()
    dap18_refused.add(G)
    G.main()
