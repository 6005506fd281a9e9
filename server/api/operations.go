// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"net/http"
)

// GetHealth implements GET /healthz.
func (a *API) GetHealth(context.Context, GetHealthRequestObject) (GetHealthResponseObject, error) {
	return GetHealth200JSONResponse{Status: "ok"}, nil
}

// GetReadiness implements GET /readyz.
func (a *API) GetReadiness(ctx context.Context, _ GetReadinessRequestObject) (GetReadinessResponseObject, error) {
	if err := a.Ready(ctx); err != nil {
		return nil, err
	}
	return GetReadiness200JSONResponse{Status: "ok"}, nil
}

// The API's versions, as GET /v1/version tells them. The first rises whenever the contract gets something that clients
// can ask for, the second when it stops to understand what older clients ask for.
const (
	apiVersion       = 1
	oldestAPIVersion = 1
)

// GetVersion implements GET /v1/version.
func (a *API) GetVersion(context.Context, GetVersionRequestObject) (GetVersionResponseObject, error) {
	return GetVersion200JSONResponse{Version: a.Version, APIVersion: apiVersion, OldestAPIVersion: oldestAPIVersion}, nil
}

// metricsResponse lets the metrics handler write its own answer.
type metricsResponse struct{ handler http.Handler }

// VisitGetMetricsResponse writes the metrics.
func (m metricsResponse) VisitGetMetricsResponse(w http.ResponseWriter) error {
	m.handler.ServeHTTP(w, &http.Request{Method: http.MethodGet, Header: http.Header{}})
	return nil
}

// GetMetrics implements GET /metrics.
func (a *API) GetMetrics(context.Context, GetMetricsRequestObject) (GetMetricsResponseObject, error) {
	return metricsResponse{a.Metrics}, nil
}

// GetContract implements GET /openapi.yaml.
func (a *API) GetContract(context.Context, GetContractRequestObject) (GetContractResponseObject, error) {
	return GetContract200ApplicationYamlResponse{Body: bytes.NewReader(Contract), ContentLength: int64(len(Contract))}, nil
}
