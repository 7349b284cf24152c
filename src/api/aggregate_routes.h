// AggregateRoutes is the part of the route table that is secure aggregation's. Internal to the
// module.
#pragma once

#include <vector>

#include "api/endpoint.h"

namespace salus::api {

std::vector<Endpoint> AggregateRoutes();

}  // namespace salus::api
