"""DAP-18 as octets: each message as it is written, and as it is read.

Source: draft-ietf-ppm-dap-18, and draft-irtf-cfrg-vdaf-20 for the ping-pong messages.
"""

import base64
import hashlib

from dap_wire import (fixed, literal, number, octets, one_of, opaque, record, to_the_end, u8, u16,
                      u32, u64, variant, vector, with_u8_length, with_u16_length, with_u32_length)

ROLE = {"collector": 0, "client": 1, "leader": 2, "helper": 3}               # 4.1
BATCH_MODE = {"time_interval": 1, "leader_selected": 2}                      # 5
REPORT_ERROR = {"batch_collected": 1, "report_replayed": 2, "report_dropped": 3,  # 4.1
                "hpke_unknown_config_id": 4, "hpke_decrypt_error": 5, "vdaf_verify_error": 6,
                "task_expired": 7, "invalid_message": 8, "report_too_early": 9,
                "task_not_started": 10, "outdated_config": 11}
VERIFY_RESP = {"continue": 0, "finish": 1, "reject": 2}                      # 4.5.3.2
PING_PONG = {"initialize": 0, "continue": 1, "finish": 2}                    # VDAF 5.7.1


# 4.1: config_id is a uint8; enc<1..2^16-1>; payload<1..2^32-1>.
def hpke_ciphertext(f):
    return (u8(f["config_id"]) + with_u16_length(octets(f["enc"]))
            + with_u32_length(octets(f["payload"])))


# 4.1.1: two uint64 that count time precisions, not seconds.
def interval(f):
    return u64(f["start"]) + u64(f["duration"])


# 4.4.1: the identifiers are uint16; public_key<1..2^16-1>.
def hpke_config(f):
    return (u8(f["id"]) + u16(f["kem_id"]) + u16(f["kdf_id"]) + u16(f["aead_id"])
            + with_u16_length(octets(f["public_key"])))


# 4.4.1: HpkeConfigList<10..2^16-1>.
def hpke_config_list(f):
    return with_u16_length(b"".join(hpke_config(c) for c in f["configs"]))


# 4.4.3, 4.2.2, 4.5.1 and 4.6.2 all have this form: a uint16, and data<0..2^16-1>.
def extension(f):
    return u16(f["extension_type"]) + with_u16_length(octets(f["extension_data"]))


def extensions(items):
    return with_u16_length(b"".join(extension(e) for e in items))


# 4.2: task_info<1..2^8-1>, two Url<1..2^16-1>, then numbers; BatchMode is one octet (section 5).
def task_configuration(f):
    return (with_u8_length(octets(f["task_info"]))
            + with_u16_length(octets(f["leader_aggregator_endpoint"]))
            + with_u16_length(octets(f["helper_aggregator_endpoint"]))
            + u64(f["time_precision"])
            + u64(f["min_batch_size"])
            + u8(BATCH_MODE[f["batch_mode"]])
            + with_u16_length(octets(f["batch_config"]))
            + u32(f["vdaf_type"])
            + with_u16_length(octets(f["vdaf_configuration"]))
            + extensions(f["extensions"]))


# 4.4.2.
def report_metadata(f):
    return octets(f["report_id"]) + u64(f["time"]) + extensions(f["public_extensions"])


# 4.4.2: public_share<0..2^32-1>; the Leader's ciphertext comes first.
def report(f):
    return (report_metadata(f["report_metadata"]) + with_u32_length(octets(f["public_share"]))
            + hpke_ciphertext(f["leader_encrypted_input_share"])
            + hpke_ciphertext(f["helper_encrypted_input_share"]))


# 4.4.2: no count and no length before the reports: they fill the HTTP message.
def upload_request(f):
    return b"".join(report(r) for r in f["reports"])


# 4.4.2.2.
def report_upload_status(f):
    return octets(f["id"]) + u8(REPORT_ERROR[f["error"]])


def upload_errors(f):
    return b"".join(report_upload_status(s) for s in f["status"])


# 4.4.2.1: private_extensions, then payload<1..2^32-1>.
def plaintext_input_share(f):
    return extensions(f["private_extensions"]) + with_u32_length(octets(f["payload"]))


# 4.4.2.1: the task configuration stands inside, without a length of its own.
def input_share_aad(f):
    return (octets(f["task_id"]) + task_configuration(f["task_configuration"])
            + report_metadata(f["report_metadata"]) + with_u32_length(octets(f["public_share"])))


# 4.5.3.1.
def report_share(f):
    return (report_metadata(f["report_metadata"]) + with_u32_length(octets(f["public_share"]))
            + hpke_ciphertext(f["encrypted_input_share"]))


# 4.5.3.1: payload<1..2^32-1> is a ping-pong message.
def verify_init(f):
    return report_share(f["report_share"]) + with_u32_length(octets(f["payload"]))


# 4.5.3.1: the key's identifier, agg_param<0..2^32-1>, extensions; verify_inits fill the message.
def aggregation_job_init_req(f):
    return (u8(f["verification_key_id"]) + with_u32_length(octets(f["agg_param"]))
            + extensions(f["extensions"]) + b"".join(verify_init(v) for v in f["verify_inits"]))


# 4.5.3.2: continue has payload<1..2^32-1>, finish nothing, reject one octet.
def verify_resp(f):
    head = octets(f["report_id"]) + u8(VERIFY_RESP[f["verify_resp_type"]])
    if f["verify_resp_type"] == "continue":
        return head + with_u32_length(octets(f["payload"]))
    if f["verify_resp_type"] == "reject":
        return head + u8(REPORT_ERROR[f["report_error"]])
    return head


def aggregation_job_resp(f):
    return b"".join(verify_resp(v) for v in f["verify_resps"])


# 4.5.4.1.
def verify_continue(f):
    return octets(f["report_id"]) + with_u32_length(octets(f["payload"]))


def aggregation_job_continue_req(f):
    return u16(f["step"]) + b"".join(verify_continue(v) for v in f["verify_continues"])


# 4.6.1: Query; and 4.6.4: BatchSelector, the same form.
def by_batch_mode(f):
    return u8(BATCH_MODE[f["batch_mode"]]) + with_u16_length(octets(f["config"]))


# 4.6.1.
def collection_job_req(f):
    return (by_batch_mode(f["query"]) + with_u32_length(octets(f["agg_param"]))
            + extensions(f["extensions"]))


# 4.6.1: no partial batch selector any more; the Leader's share comes first.
def collection_job_resp(f):
    return (u64(f["report_count"]) + interval(f["interval"])
            + hpke_ciphertext(f["leader_encrypted_agg_share"])
            + hpke_ciphertext(f["helper_encrypted_agg_share"]))


# 4.6.4: the Collector's request whole, then the selector; checksum[32] has no length.
def aggregate_share_req(f):
    return (collection_job_req(f["collection_job_req"]) + by_batch_mode(f["batch_selector"])
            + u64(f["report_count"]) + octets(f["checksum"]))


def aggregate_share(f):
    return hpke_ciphertext(f["encrypted_aggregate_share"])


# 4.6.7.
def aggregate_share_aad(f):
    return (octets(f["task_id"]) + task_configuration(f["task_configuration"])
            + collection_job_req(f["collection_job_req"]))


# VDAF 5.7.1: every vector <0..2^32-1>.
def ping_pong_message(f):
    if f["type"] == "initialize":
        return u8(0) + with_u32_length(octets(f["verifier_share"]))
    if f["type"] == "continue":
        return (u8(1) + with_u32_length(octets(f["verifier_message"]))
                + with_u32_length(octets(f["verifier_share"])))
    return u8(2) + with_u32_length(octets(f["verifier_message"]))


WRITERS = {
    "HpkeCiphertext": hpke_ciphertext,
    "Interval": interval,
    "HpkeConfig": hpke_config,
    "HpkeConfigList": hpke_config_list,
    "Extension": extension,
    "TaskExtension": extension,
    "AggregationJobExtension": extension,
    "CollectionJobExtension": extension,
    "TaskIntervalTaskExtension": lambda f: interval(f["task_interval"]),              # 4.2.3
    "TaskConfiguration": task_configuration,
    "ReportMetadata": report_metadata,
    "Report": report,
    "UploadRequest": upload_request,
    "ReportUploadStatus": report_upload_status,
    "UploadErrors": upload_errors,
    "PlaintextInputShare": plaintext_input_share,
    "InputShareAad": input_share_aad,
    "ReportShare": report_share,
    "VerifyInit": verify_init,
    "AggregationJobInitReq": aggregation_job_init_req,
    "VerifyResp": verify_resp,
    "AggregationJobResp": aggregation_job_resp,
    "VerifyContinue": verify_continue,
    "AggregationJobContinueReq": aggregation_job_continue_req,
    "Query": by_batch_mode,
    "TimeIntervalQueryConfig": lambda f: interval(f["batch_interval"]),               # 5.1.1
    "CollectionJobReq": collection_job_req,
    "CollectionJobResp": collection_job_resp,
    "BatchSelector": by_batch_mode,
    "TimeIntervalBatchSelectorConfig": lambda f: interval(f["batch_interval"]),       # 5.1.2
    "LeaderSelectedBatchSelectorConfig": lambda f: octets(f["batch_id"]),             # 5.2.3
    "AggregateShareReq": aggregate_share_req,
    "AggregateShare": aggregate_share,
    "AggregateShareAad": aggregate_share_aad,
    "PingPongMessage": ping_pong_message,
    # 4.4.2.1: the sender is always the Client.
    "InputShareInfo": lambda f: b"dap-18 input share" + u8(1) + u8(ROLE[f["server_role"]]),
    # 4.6.7: the receiver is always the Collector.
    "AggregateShareInfo": lambda f: b"dap-18 aggregate share" + u8(ROLE[f["server_role"]]) + u8(0),
    "VdafContext": lambda f: b"dap-18" + octets(f["task_id"]),                        # 4.4.2.1
    # Appendix B.
    "Prio3CountConfig": lambda f: b"",
    "Prio3SumConfig": lambda f: u64(f["max_measurement"]),
    "Prio3SumVecConfig": lambda f: (u32(f["length"]) + u64(f["max_measurement"])
                                    + u32(f["chunk_length"])),
    "Prio3HistogramConfig": lambda f: u32(f["length"]) + u32(f["chunk_length"]),
    "Prio3MultihotCountVecConfig": lambda f: (u32(f["length"]) + u32(f["chunk_length"])
                                              + u64(f["max_weight"])),
    "Poplar1Config": lambda f: u16(f["bits"]),
}


# The same again for the reader. It shares nothing with the writers above but the names of values.

def named(values):
    return one_of(1, {value: name for name, value in values.items()})


EXTENSION = record(extension_type=number(2), extension_data=opaque(2))
INTERVAL = record(start=number(8), duration=number(8))
CIPHERTEXT = record(config_id=number(1), enc=opaque(2, 1), payload=opaque(4, 1))
CONFIG = record(id=number(1), kem_id=number(2), kdf_id=number(2), aead_id=number(2),
                public_key=opaque(2, 1))
TASK = record(task_info=opaque(1, 1), leader_aggregator_endpoint=opaque(2, 1),
              helper_aggregator_endpoint=opaque(2, 1), time_precision=number(8),
              min_batch_size=number(8), batch_mode=named(BATCH_MODE), batch_config=opaque(2),
              vdaf_type=number(4), vdaf_configuration=opaque(2), extensions=vector(2, EXTENSION))
METADATA = record(report_id=fixed(16), time=number(8), public_extensions=vector(2, EXTENSION))
REPORT = record(report_metadata=METADATA, public_share=opaque(4),
                leader_encrypted_input_share=CIPHERTEXT, helper_encrypted_input_share=CIPHERTEXT)
STATUS = record(id=fixed(16), error=named(REPORT_ERROR))
REPORT_SHARE = record(report_metadata=METADATA, public_share=opaque(4),
                      encrypted_input_share=CIPHERTEXT)
VERIFY_INIT = record(report_share=REPORT_SHARE, payload=opaque(4, 1))
RESP_TAIL = variant("verify_resp_type", named(VERIFY_RESP),
                    {"continue": {"payload": opaque(4, 1)}, "finish": {},
                     "reject": {"report_error": named(REPORT_ERROR)}})
CONTINUE = record(report_id=fixed(16), payload=opaque(4, 1))
BY_MODE = record(batch_mode=named(BATCH_MODE), config=opaque(2))
COLLECTION_REQ = record(query=BY_MODE, agg_param=opaque(4), extensions=vector(2, EXTENSION))


def one_verify_resp(source):
    return {"report_id": fixed(16)(source)} | RESP_TAIL(source)


SHAPES = {
    "HpkeCiphertext": CIPHERTEXT,
    "Interval": INTERVAL,
    "HpkeConfig": CONFIG,
    "HpkeConfigList": record(configs=vector(2, CONFIG, 10)),
    "Extension": EXTENSION,
    "TaskExtension": EXTENSION,
    "AggregationJobExtension": EXTENSION,
    "CollectionJobExtension": EXTENSION,
    "TaskIntervalTaskExtension": record(task_interval=INTERVAL),
    "TaskConfiguration": TASK,
    "ReportMetadata": METADATA,
    "Report": REPORT,
    "UploadRequest": record(reports=to_the_end(REPORT)),
    "ReportUploadStatus": STATUS,
    "UploadErrors": record(status=to_the_end(STATUS)),
    "PlaintextInputShare": record(private_extensions=vector(2, EXTENSION), payload=opaque(4, 1)),
    "InputShareAad": record(task_id=fixed(32), task_configuration=TASK, report_metadata=METADATA,
                            public_share=opaque(4)),
    "ReportShare": REPORT_SHARE,
    "VerifyInit": VERIFY_INIT,
    "AggregationJobInitReq": record(verification_key_id=number(1), agg_param=opaque(4),
                                    extensions=vector(2, EXTENSION),
                                    verify_inits=to_the_end(VERIFY_INIT)),
    "VerifyResp": one_verify_resp,
    "AggregationJobResp": record(verify_resps=to_the_end(one_verify_resp)),
    "VerifyContinue": CONTINUE,
    "AggregationJobContinueReq": record(step=number(2), verify_continues=to_the_end(CONTINUE)),
    "Query": BY_MODE,
    "TimeIntervalQueryConfig": record(batch_interval=INTERVAL),
    "CollectionJobReq": COLLECTION_REQ,
    "CollectionJobResp": record(report_count=number(8), interval=INTERVAL,
                                leader_encrypted_agg_share=CIPHERTEXT,
                                helper_encrypted_agg_share=CIPHERTEXT),
    "BatchSelector": BY_MODE,
    "TimeIntervalBatchSelectorConfig": record(batch_interval=INTERVAL),
    "LeaderSelectedBatchSelectorConfig": record(batch_id=fixed(32)),
    "AggregateShareReq": record(collection_job_req=COLLECTION_REQ, batch_selector=BY_MODE,
                                report_count=number(8), checksum=fixed(32)),
    "AggregateShare": record(encrypted_aggregate_share=CIPHERTEXT),
    "AggregateShareAad": record(task_id=fixed(32), task_configuration=TASK,
                                collection_job_req=COLLECTION_REQ),
    "PingPongMessage": variant("type", named(PING_PONG), {
        "initialize": {"verifier_share": opaque(4)},
        "continue": {"verifier_message": opaque(4), "verifier_share": opaque(4)},
        "finish": {"verifier_message": opaque(4)}}),
    "InputShareInfo": lambda s: (literal(b"dap-18 input share\1")(s),
                                 record(server_role=one_of(1, {2: "leader", 3: "helper"}))(s))[1],
    "AggregateShareInfo": lambda s: (literal(b"dap-18 aggregate share")(s),
                                     record(server_role=one_of(1, {2: "leader", 3: "helper"}))(s),
                                     literal(b"\0")(s))[1],
    "VdafContext": lambda s: (literal(b"dap-18")(s), record(task_id=fixed(32))(s))[1],
    "Prio3CountConfig": record(),
    "Prio3SumConfig": record(max_measurement=number(8)),
    "Prio3SumVecConfig": record(length=number(4), max_measurement=number(8),
                                chunk_length=number(4)),
    "Prio3HistogramConfig": record(length=number(4), chunk_length=number(4)),
    "Prio3MultihotCountVecConfig": record(length=number(4), chunk_length=number(4),
                                          max_weight=number(8)),
    "Poplar1Config": record(bits=number(2)),
}

SECTIONS = {
    "HpkeCiphertext": "4.1", "Interval": "4.1.1", "HpkeConfig": "4.4.1",
    "HpkeConfigList": "4.4.1", "Extension": "4.4.3", "TaskExtension": "4.2.2",
    "AggregationJobExtension": "4.5.1", "CollectionJobExtension": "4.6.2",
    "TaskIntervalTaskExtension": "4.2.3", "TaskConfiguration": "4.2", "ReportMetadata": "4.4.2",
    "Report": "4.4.2", "UploadRequest": "4.4.2", "ReportUploadStatus": "4.4.2.2",
    "UploadErrors": "4.4.2.2", "PlaintextInputShare": "4.4.2.1", "InputShareAad": "4.4.2.1",
    "ReportShare": "4.5.3.1", "VerifyInit": "4.5.3.1", "AggregationJobInitReq": "4.5.3.1",
    "VerifyResp": "4.5.3.2", "AggregationJobResp": "4.5.3.2", "VerifyContinue": "4.5.4.1",
    "AggregationJobContinueReq": "4.5.4.1", "Query": "4.6.1", "TimeIntervalQueryConfig": "5.1.1",
    "CollectionJobReq": "4.6.1", "CollectionJobResp": "4.6.1", "BatchSelector": "4.6.4",
    "TimeIntervalBatchSelectorConfig": "5.1.2", "LeaderSelectedBatchSelectorConfig": "5.2.3",
    "AggregateShareReq": "4.6.4", "AggregateShare": "4.6.4", "AggregateShareAad": "4.6.7",
    "PingPongMessage": "VDAF 5.7.1", "InputShareInfo": "4.4.2.1", "AggregateShareInfo": "4.6.7",
    "VdafContext": "4.4.2.1", "Prio3CountConfig": "B.1", "Prio3SumConfig": "B.2",
    "Prio3SumVecConfig": "B.3", "Prio3HistogramConfig": "B.4",
    "Prio3MultihotCountVecConfig": "B.5", "Poplar1Config": "B.6",
}


# Two derived values, that nobody reads back.

def batch_checksum(report_ids):
    """4.5.4.3: the SHA-256 hashes of the report IDs, combined by exclusive or."""
    total = bytes(32)
    for report_id in report_ids:
        digest = hashlib.sha256(octets(report_id)).digest()
        total = bytes(a ^ b for a, b in zip(total, digest))
    return total.hex()


def path_text(identifier):
    """3: base64url without padding."""
    return base64.urlsafe_b64encode(octets(identifier)).rstrip(b"=").decode()
