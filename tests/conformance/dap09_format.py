"""DAP-09 as octets: each message as it is written, and as it is read.

Source: draft-ietf-ppm-dap-09, and draft-irtf-cfrg-vdaf-08 for the ping-pong messages.
"""

from dap_wire import (fixed, literal, number, octets, one_of, opaque, record, u8, u16, u64, variant,
                      vector, with_u16_length, with_u32_length)

ROLE = {"collector": 0, "client": 1, "leader": 2, "helper": 3}               # 4
QUERY_TYPE = {"time_interval": 1, "fixed_size": 2}                           # 4.1
FIXED_SIZE_QUERY_TYPE = {"by_batch_id": 0, "current_batch": 1}               # 4.1
PREPARE_RESP_STATE = {"continue": 0, "finished": 1, "reject": 2}             # 4.5.1.2
PREPARE_ERROR = {"batch_collected": 0, "report_replayed": 1, "report_dropped": 2,  # 4.5.1.2
                 "hpke_unknown_config_id": 3, "hpke_decrypt_error": 4, "vdaf_prep_error": 5,
                 "batch_saturated": 6, "task_expired": 7, "invalid_message": 8,
                 "report_too_early": 9}


# 4: config_id is a uint8; enc<1..2^16-1>; payload<1..2^32-1>.
def hpke_ciphertext(f):
    return (u8(f["config_id"]) + with_u16_length(octets(f["enc"]))
            + with_u32_length(octets(f["payload"])))


# 4: seconds.
def interval(f):
    return u64(f["start"]) + u64(f["duration"])


# 4.4.1.
def hpke_config(f):
    return (u8(f["id"]) + u16(f["kem_id"]) + u16(f["kdf_id"]) + u16(f["aead_id"])
            + with_u16_length(octets(f["public_key"])))


# 4.4.1: HpkeConfigList<1..2^16-1>.
def hpke_config_list(f):
    return with_u16_length(b"".join(hpke_config(c) for c in f["configs"]))


# 4.4.3.
def extension(f):
    return u16(f["extension_type"]) + with_u16_length(octets(f["extension_data"]))


# 4.4.2: no extensions in the metadata.
def report_metadata(f):
    return octets(f["report_id"]) + u64(f["time"])


def report(f):
    return (report_metadata(f["report_metadata"]) + with_u32_length(octets(f["public_share"]))
            + hpke_ciphertext(f["leader_encrypted_input_share"])
            + hpke_ciphertext(f["helper_encrypted_input_share"]))


# 4.4.2: payload<0..2^32-1>.
def plaintext_input_share(f):
    return (with_u16_length(b"".join(extension(e) for e in f["extensions"]))
            + with_u32_length(octets(f["payload"])))


# 4.4.2.
def input_share_aad(f):
    return (octets(f["task_id"]) + report_metadata(f["report_metadata"])
            + with_u32_length(octets(f["public_share"])))


# 4.1: a select writes what it selects and no length.
def query(f):
    if f["query_type"] == "time_interval":
        return u8(1) + interval(f["batch_interval"])
    inner = f["fixed_size_query"]
    if inner["query_type"] == "by_batch_id":
        return u8(2) + u8(0) + octets(inner["batch_id"])
    return u8(2) + u8(1)


# 4.5.1.1: by time nothing, else the batch ID.
def partial_batch_selector(f):
    return u8(QUERY_TYPE[f["query_type"]]) + octets(f.get("batch_id", ""))


# 4.5.1.1.
def report_share(f):
    return (report_metadata(f["report_metadata"]) + with_u32_length(octets(f["public_share"]))
            + hpke_ciphertext(f["encrypted_input_share"]))


# 4.5.1.1: payload<0..2^32-1> is a ping-pong message.
def prepare_init(f):
    return report_share(f["report_share"]) + with_u32_length(octets(f["payload"]))


# 4.5.1.1: prepare_inits<1..2^32-1>, with a length in octets.
def aggregation_job_init_req(f):
    return (with_u32_length(octets(f["agg_param"]))
            + partial_batch_selector(f["part_batch_selector"])
            + with_u32_length(b"".join(prepare_init(p) for p in f["prepare_inits"])))


# 4.5.1.2.
def prepare_resp(f):
    head = octets(f["report_id"]) + u8(PREPARE_RESP_STATE[f["prepare_resp_state"]])
    if f["prepare_resp_state"] == "continue":
        return head + with_u32_length(octets(f["payload"]))
    if f["prepare_resp_state"] == "reject":
        return head + u8(PREPARE_ERROR[f["prepare_error"]])
    return head


# 4.5.1.2: prepare_resps<1..2^32-1>.
def aggregation_job_resp(f):
    return with_u32_length(b"".join(prepare_resp(p) for p in f["prepare_resps"]))


# 4.5.2.1.
def prepare_continue(f):
    return octets(f["report_id"]) + with_u32_length(octets(f["payload"]))


def aggregation_job_continue_req(f):
    return (u16(f["step"])
            + with_u32_length(b"".join(prepare_continue(p) for p in f["prepare_continues"])))


# 4.6.1.
def collection_req(f):
    return query(f["query"]) + with_u32_length(octets(f["agg_param"]))


def collection(f):
    return (partial_batch_selector(f["part_batch_selector"]) + u64(f["report_count"])
            + interval(f["interval"])
            + hpke_ciphertext(f["leader_encrypted_agg_share"])
            + hpke_ciphertext(f["helper_encrypted_agg_share"]))


# 4.6.2.
def batch_selector(f):
    if f["query_type"] == "time_interval":
        return u8(1) + interval(f["batch_interval"])
    return u8(2) + octets(f["batch_id"])


def aggregate_share_req(f):
    return (batch_selector(f["batch_selector"]) + with_u32_length(octets(f["agg_param"]))
            + u64(f["report_count"]) + octets(f["checksum"]))


# 4.6.4.
def aggregate_share_aad(f):
    return (octets(f["task_id"]) + with_u32_length(octets(f["agg_param"]))
            + batch_selector(f["batch_selector"]))


# VDAF 5.8.
def ping_pong_message(f):
    if f["type"] == "initialize":
        return u8(0) + with_u32_length(octets(f["prep_share"]))
    if f["type"] == "continue":
        return (u8(1) + with_u32_length(octets(f["prep_msg"]))
                + with_u32_length(octets(f["prep_share"])))
    return u8(2) + with_u32_length(octets(f["prep_msg"]))


WRITERS = {
    "HpkeCiphertext": hpke_ciphertext,
    "Interval": interval,
    "HpkeConfig": hpke_config,
    "HpkeConfigList": hpke_config_list,
    "Extension": extension,
    "ReportMetadata": report_metadata,
    "Report": report,
    "PlaintextInputShare": plaintext_input_share,
    "InputShareAad": input_share_aad,
    "Query": query,
    "PartialBatchSelector": partial_batch_selector,
    "ReportShare": report_share,
    "PrepareInit": prepare_init,
    "AggregationJobInitReq": aggregation_job_init_req,
    "PrepareResp": prepare_resp,
    "AggregationJobResp": aggregation_job_resp,
    "PrepareContinue": prepare_continue,
    "AggregationJobContinueReq": aggregation_job_continue_req,
    "CollectionReq": collection_req,
    "Collection": collection,
    "BatchSelector": batch_selector,
    "AggregateShareReq": aggregate_share_req,
    "AggregateShare": lambda f: hpke_ciphertext(f["encrypted_aggregate_share"]),      # 4.6.2
    "AggregateShareAad": aggregate_share_aad,
    "PingPongMessage": ping_pong_message,
    # 4.4.2: the sender is always the Client.
    "InputShareInfo": lambda f: b"dap-09 input share" + u8(1) + u8(ROLE[f["server_role"]]),
    # 4.6.4: the receiver is always the Collector.
    "AggregateShareInfo": lambda f: b"dap-09 aggregate share" + u8(ROLE[f["server_role"]]) + u8(0),
}


# The same again for the reader. It shares nothing with the writers above but the names of values.

def named(values):
    return one_of(1, {value: name for name, value in values.items()})


EXTENSION = record(extension_type=number(2), extension_data=opaque(2))
INTERVAL = record(start=number(8), duration=number(8))
CIPHERTEXT = record(config_id=number(1), enc=opaque(2, 1), payload=opaque(4, 1))
CONFIG = record(id=number(1), kem_id=number(2), kdf_id=number(2), aead_id=number(2),
                public_key=opaque(2, 1))
METADATA = record(report_id=fixed(16), time=number(8))
REPORT_SHARE = record(report_metadata=METADATA, public_share=opaque(4),
                      encrypted_input_share=CIPHERTEXT)
PREPARE_INIT = record(report_share=REPORT_SHARE, payload=opaque(4))
FIXED_SIZE_QUERY = variant("query_type", named(FIXED_SIZE_QUERY_TYPE),
                           {"by_batch_id": {"batch_id": fixed(32)}, "current_batch": {}})
QUERY = variant("query_type", named(QUERY_TYPE),
                {"time_interval": {"batch_interval": INTERVAL},
                 "fixed_size": {"fixed_size_query": FIXED_SIZE_QUERY}})
PARTIAL = variant("query_type", named(QUERY_TYPE),
                  {"time_interval": {}, "fixed_size": {"batch_id": fixed(32)}})
SELECTOR = variant("query_type", named(QUERY_TYPE),
                   {"time_interval": {"batch_interval": INTERVAL},
                    "fixed_size": {"batch_id": fixed(32)}})
RESP_TAIL = variant("prepare_resp_state", named(PREPARE_RESP_STATE),
                    {"continue": {"payload": opaque(4)}, "finished": {},
                     "reject": {"prepare_error": named(PREPARE_ERROR)}})
CONTINUE = record(report_id=fixed(16), payload=opaque(4))


def one_prepare_resp(source):
    return {"report_id": fixed(16)(source)} | RESP_TAIL(source)


SHAPES = {
    "HpkeCiphertext": CIPHERTEXT,
    "Interval": INTERVAL,
    "HpkeConfig": CONFIG,
    "HpkeConfigList": record(configs=vector(2, CONFIG, 1)),
    "Extension": EXTENSION,
    "ReportMetadata": METADATA,
    "Report": record(report_metadata=METADATA, public_share=opaque(4),
                     leader_encrypted_input_share=CIPHERTEXT,
                     helper_encrypted_input_share=CIPHERTEXT),
    "PlaintextInputShare": record(extensions=vector(2, EXTENSION), payload=opaque(4)),
    "InputShareAad": record(task_id=fixed(32), report_metadata=METADATA, public_share=opaque(4)),
    "Query": QUERY,
    "PartialBatchSelector": PARTIAL,
    "ReportShare": REPORT_SHARE,
    "PrepareInit": PREPARE_INIT,
    "AggregationJobInitReq": record(agg_param=opaque(4), part_batch_selector=PARTIAL,
                                    prepare_inits=vector(4, PREPARE_INIT, 1)),
    "PrepareResp": one_prepare_resp,
    "AggregationJobResp": record(prepare_resps=vector(4, one_prepare_resp, 1)),
    "PrepareContinue": CONTINUE,
    "AggregationJobContinueReq": record(step=number(2), prepare_continues=vector(4, CONTINUE, 1)),
    "CollectionReq": record(query=QUERY, agg_param=opaque(4)),
    "Collection": record(part_batch_selector=PARTIAL, report_count=number(8), interval=INTERVAL,
                         leader_encrypted_agg_share=CIPHERTEXT,
                         helper_encrypted_agg_share=CIPHERTEXT),
    "BatchSelector": SELECTOR,
    "AggregateShareReq": record(batch_selector=SELECTOR, agg_param=opaque(4),
                                report_count=number(8), checksum=fixed(32)),
    "AggregateShare": record(encrypted_aggregate_share=CIPHERTEXT),
    "AggregateShareAad": record(task_id=fixed(32), agg_param=opaque(4), batch_selector=SELECTOR),
    "PingPongMessage": variant("type", one_of(1, {0: "initialize", 1: "continue", 2: "finish"}), {
        "initialize": {"prep_share": opaque(4)},
        "continue": {"prep_msg": opaque(4), "prep_share": opaque(4)},
        "finish": {"prep_msg": opaque(4)}}),
    "InputShareInfo": lambda s: (literal(b"dap-09 input share\1")(s),
                                 record(server_role=one_of(1, {2: "leader", 3: "helper"}))(s))[1],
    "AggregateShareInfo": lambda s: (literal(b"dap-09 aggregate share")(s),
                                     record(server_role=one_of(1, {2: "leader", 3: "helper"}))(s),
                                     literal(b"\0")(s))[1],
}

SECTIONS = {
    "HpkeCiphertext": "4", "Interval": "4", "HpkeConfig": "4.4.1", "HpkeConfigList": "4.4.1",
    "Extension": "4.4.3", "ReportMetadata": "4.4.2", "Report": "4.4.2",
    "PlaintextInputShare": "4.4.2", "InputShareAad": "4.4.2", "Query": "4.1",
    "PartialBatchSelector": "4.5.1.1", "ReportShare": "4.5.1.1", "PrepareInit": "4.5.1.1",
    "AggregationJobInitReq": "4.5.1.1", "PrepareResp": "4.5.1.2", "AggregationJobResp": "4.5.1.2",
    "PrepareContinue": "4.5.2.1", "AggregationJobContinueReq": "4.5.2.1",
    "CollectionReq": "4.6.1", "Collection": "4.6.1", "BatchSelector": "4.6.2",
    "AggregateShareReq": "4.6.2", "AggregateShare": "4.6.2", "AggregateShareAad": "4.6.4",
    "PingPongMessage": "VDAF 5.8", "InputShareInfo": "4.4.2", "AggregateShareInfo": "4.6.4",
}
