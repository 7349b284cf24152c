#include "aggregate/dap_media_type.h"

namespace salus::aggregate {
namespace {

std::string_view MediaType18(DapMessageType type) {
  switch (type) {
    case DapMessageType::kHpkeConfigList:
      return "application/ppm-dap;message=hpke-config-list";
    case DapMessageType::kUploadRequest:
      return "application/ppm-dap;message=upload-req";
    case DapMessageType::kUploadErrors:
      return "application/ppm-dap;message=upload-errors";
    case DapMessageType::kAggregationJobInitReq:
      return "application/ppm-dap;message=aggregation-job-init-req";
    case DapMessageType::kAggregationJobContinueReq:
      return "application/ppm-dap;message=aggregation-job-continue-req";
    case DapMessageType::kAggregationJobResp:
      return "application/ppm-dap;message=aggregation-job-resp";
    case DapMessageType::kAggregateShareReq:
      return "application/ppm-dap;message=aggregate-share-req";
    case DapMessageType::kAggregateShare:
      return "application/ppm-dap;message=aggregate-share";
    case DapMessageType::kCollectionJobReq:
      return "application/ppm-dap;message=collection-job-req";
    case DapMessageType::kCollectionJobResp:
      return "application/ppm-dap;message=collection-job-resp";
  }
  return {};
}

std::string_view MediaType09(DapMessageType type) {
  switch (type) {
    case DapMessageType::kHpkeConfigList:
      return "application/dap-hpke-config-list";
    case DapMessageType::kUploadRequest:
      return "application/dap-report";
    case DapMessageType::kUploadErrors:
      return {};
    case DapMessageType::kAggregationJobInitReq:
      return "application/dap-aggregation-job-init-req";
    case DapMessageType::kAggregationJobContinueReq:
      return "application/dap-aggregation-job-continue-req";
    case DapMessageType::kAggregationJobResp:
      return "application/dap-aggregation-job-resp";
    case DapMessageType::kAggregateShareReq:
      return "application/dap-aggregate-share-req";
    case DapMessageType::kAggregateShare:
      return "application/dap-aggregate-share";
    case DapMessageType::kCollectionJobReq:
      return "application/dap-collect-req";
    case DapMessageType::kCollectionJobResp:
      return "application/dap-collection";
  }
  return {};
}

}  // namespace

std::string_view MediaType(DapVersion version, DapMessageType type) {
  return version == DapVersion::k18 ? MediaType18(type) : MediaType09(type);
}

}  // namespace salus::aggregate
