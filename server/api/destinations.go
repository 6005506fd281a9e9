// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// ListDestinations implements GET /v1/destinations.
func (a *API) ListDestinations(_ context.Context, r ListDestinationsRequestObject) (ListDestinationsResponseObject, error) {
	s := a.Registry.Snapshot()
	all := s.Destinations()
	if r.Params.DisplayName != nil {
		all = nil
		if d := s.Named(strings.TrimSpace(*r.Params.DisplayName)); d != nil {
			all = []*destination.Destination{d}
		}
	}
	if r.Params.Type != nil {
		all = slices.DeleteFunc(slices.Clone(all), func(d *destination.Destination) bool { return d.Type != *r.Params.Type })
	}
	items, next, err := page(all, r.Params.Cursor, r.Params.Limit, func(d *destination.Destination) string { return d.DisplayName + "\x00" + d.ID })
	if err != nil {
		return nil, err
	}
	list := DestinationList{Items: make([]Destination, len(items)), NextCursor: orNil(next)}
	for i, d := range items {
		list.Items[i] = a.destinationOf(*d)
	}
	return ListDestinations200JSONResponse(list), nil
}

// page cuts a page out of items sorted by key. A cursor is the key of the last item of the page before.
func page[T any](items []T, cursor *Cursor, limit *Limit, key func(T) string) ([]T, string, error) {
	size, err := pageSize(limit)
	if err != nil {
		return nil, "", err
	}
	if cursor != nil && *cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(*cursor)
		if err != nil {
			return nil, "", problem.InvalidFields([]problem.Field{{Name: "cursor", Message: "is not a cursor from this list"}})
		}
		at, found := slices.BinarySearchFunc(items, string(last), func(v T, last string) int { return cmp.Compare(key(v), last) })
		if found {
			at++
		}
		items = items[at:]
	}
	if len(items) <= size {
		return items, "", nil
	}
	items = items[:size]
	return items, base64.RawURLEncoding.EncodeToString([]byte(key(items[size-1]))), nil
}

// CreateDestination implements POST /v1/destinations.
func (a *API) CreateDestination(ctx context.Context, r CreateDestinationRequestObject) (CreateDestinationResponseObject, error) {
	key, err := keyOf(r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	d, again, err := a.Registry.Create(ctx, key, draftOf(*r.Body))
	if err != nil {
		return nil, err
	}
	return CreateDestination201JSONResponse{
		Body: a.destinationOf(d), Headers: CreateDestination201ResponseHeaders{ETag: etag(d.Revision), IdempotentReplayed: replayed(again)},
	}, nil
}

// ValidateDestination implements POST /v1/destinations/validate.
func (a *API) ValidateDestination(_ context.Context, r ValidateDestinationRequestObject) (ValidateDestinationResponseObject, error) {
	draft := draftOf(*r.Body)
	if err := a.Registry.Validate(deref(r.Params.ID), draft); err != nil {
		return nil, err
	}
	validation := ValidateDestination200JSONResponse{Valid: true, Warnings: []FieldError{}}
	for _, f := range a.Registry.Warnings(draft) {
		validation.Warnings = append(validation.Warnings, FieldError{Field: f.Name, Message: f.Message})
	}
	return validation, nil
}

// GetDestination implements GET /v1/destinations/{id}.
func (a *API) GetDestination(_ context.Context, r GetDestinationRequestObject) (GetDestinationResponseObject, error) {
	d, ok := a.Registry.Snapshot().Destination(r.ID)
	if !ok {
		return nil, registry.NoDestination(r.ID)
	}
	return GetDestination200JSONResponse{
		Body: a.destinationOf(d), Headers: GetDestination200ResponseHeaders{ETag: etag(d.Revision)},
	}, nil
}

// UpdateDestination implements PUT /v1/destinations/{id}.
func (a *API) UpdateDestination(ctx context.Context, r UpdateDestinationRequestObject) (UpdateDestinationResponseObject, error) {
	terms, err := termsOf(r.Params.IfMatch, nil, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	d, again, err := a.Registry.Update(ctx, r.ID, terms, draftOf(*r.Body))
	if err != nil {
		return nil, err
	}
	return UpdateDestination200JSONResponse{
		Body: a.destinationOf(d), Headers: UpdateDestination200ResponseHeaders{ETag: etag(d.Revision), IdempotentReplayed: replayed(again)},
	}, nil
}

// DeleteDestination implements DELETE /v1/destinations/{id}.
func (a *API) DeleteDestination(ctx context.Context, r DeleteDestinationRequestObject) (DeleteDestinationResponseObject, error) {
	revisions, err := ifMatch(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Registry.Delete(ctx, r.ID, revisions); err != nil {
		return nil, err
	}
	return DeleteDestination204Response{}, nil
}

// TestDestination implements POST /v1/destinations/{id}/test.
func (a *API) TestDestination(ctx context.Context, r TestDestinationRequestObject) (TestDestinationResponseObject, error) {
	input := deref(r.Body)
	o, cached, err := a.Registry.Test(ctx, r.ID, registry.TestAlert{
		Severity: alert.Severity(deref(input.Severity)), Type: alert.Type(deref(input.AlertType)), Key: deref(input.IdempotencyKey),
	})
	if err != nil {
		return nil, err
	}
	return TestDestination200JSONResponse(testResultOf(o, cached)), nil
}

// TestUnsavedDestination implements POST /v1/destinations/test.
func (a *API) TestUnsavedDestination(ctx context.Context, r TestUnsavedDestinationRequestObject) (TestUnsavedDestinationResponseObject, error) {
	b := *r.Body
	draft := draftOf(DestinationInput{
		DisplayName: b.DisplayName, Enabled: b.Enabled, Severities: b.Severities, AlertTypes: b.AlertTypes, LogTypes: b.LogTypes,
		AllowManualDispatch: b.AllowManualDispatch, Fallback: b.Fallback, FallbackAfterSeconds: b.FallbackAfterSeconds, MaxAgeSeconds: b.MaxAgeSeconds, MaxConcurrency: b.MaxConcurrency,
		RateLimitPerSecond: b.RateLimitPerSecond, Config: b.Config,
	})
	o, cached, err := a.Registry.TestDraft(ctx, draft, registry.TestAlert{
		Severity: alert.Severity(deref(b.Severity)), Type: alert.Type(deref(b.AlertType)), Key: deref(b.IdempotencyKey),
	})
	if err != nil {
		return nil, err
	}
	return TestUnsavedDestination200JSONResponse(testResultOf(o, cached)), nil
}

func testResultOf(o registry.TestOutcome, cached bool) TestResult {
	r := TestResult{
		Delivered: o.Delivered, Status: TestResultStatus(o.Outcome), HTTPStatus: orNil(o.StatusCode), Message: o.Message,
		LatencyMs: milliseconds(o.Duration), AttemptedAt: o.AttemptedAt.UTC(), FromCache: cached,
		ExternalID: orNil(o.ExternalID), ExternalURL: orNil(o.ExternalURL),
	}
	if !o.Delivered {
		r.Error = &o.Message
	}
	return r
}

// ListDestinationTypes implements GET /v1/destination-types.
func (a *API) ListDestinationTypes(context.Context, ListDestinationTypesRequestObject) (ListDestinationTypesResponseObject, error) {
	list := DestinationTypeList{Items: make([]DestinationType, len(a.Types))}
	configs := a.contract.document.Components.Schemas["DestinationConfig"].Value.Properties
	for i, t := range a.Types {
		config, ok := configs[t.Name]
		if !ok {
			return nil, fmt.Errorf("the contract has no schema of the destination type %s", t.Name)
		}
		schema, err := jsonSchema(config.Value)
		if err != nil {
			return nil, fmt.Errorf("encode the schema of %s: %w", t.Name, err)
		}
		list.Items[i] = DestinationType{
			Type: t.Name, Secrets: append([]string{}, t.Secrets...), RateLimitPerSecond: orNil(t.RateLimitPerSecond), ConfigSchema: schema,
		}
	}
	return ListDestinationTypes200JSONResponse(list), nil
}

// jsonSchema returns a schema as JSON, without the marks that only the code generator reads.
func jsonSchema(s *openapi3.Schema) (map[string]any, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var schema map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, err
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, p := range properties {
		if p, ok := p.(map[string]any); ok {
			maps.DeleteFunc(p, func(key string, _ any) bool { return strings.HasPrefix(key, "x-go-") })
		}
	}
	return schema, nil
}

func draftOf(in DestinationInput) registry.Draft {
	d := registry.Draft{
		DisplayName: in.DisplayName, Enabled: in.Enabled == nil || *in.Enabled, Severities: convert[alert.Severity](in.Severities),
		AllowManualDispatch: deref(in.AllowManualDispatch), Fallback: deref(in.Fallback), FallbackAfterSeconds: deref(in.FallbackAfterSeconds),
		MaxAgeSeconds: deref(in.MaxAgeSeconds), MaxConcurrency: deref(in.MaxConcurrency), RateLimitPerSecond: deref(in.RateLimitPerSecond),
		Config: in.Config,
	}
	if in.AlertTypes != nil {
		d.AlertTypes = convert[alert.Type](*in.AlertTypes)
	}
	if in.LogTypes != nil {
		d.LogTypes = *in.LogTypes
	}
	return d
}

func (a *API) destinationOf(d destination.Destination) Destination {
	config, _ := json.Marshal(map[string]json.RawMessage{d.Type: d.Config}) // Config was made by json.Marshal
	fingerprints := d.Fingerprints
	if fingerprints == nil {
		fingerprints = map[string]string{}
	}
	return Destination{
		ID: d.ID, Type: d.Type, DisplayName: d.DisplayName, Enabled: d.Enabled, Severities: convert[Severity](d.Severities),
		AlertTypes: convert[AlertType](d.AlertTypes), LogTypes: d.LogTypes, AllowManualDispatch: d.AllowManualDispatch,
		Fallback: orNil(d.Fallback), FallbackAfterSeconds: orNil(d.FallbackAfterSeconds),
		MaxAgeSeconds: orNil(d.MaxAgeSeconds), MaxConcurrency: orNil(d.MaxConcurrency), RateLimitPerSecond: orNil(d.RateLimitPerSecond),
		Config: config, SecretFingerprints: fingerprints, Health: a.healthOf(d.ID),
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(), Revision: d.Revision,
	}
}

func (a *API) healthOf(id string) DestinationHealth {
	h := a.Dispatcher.Health(id)
	out := DestinationHealth{
		State: DestinationHealthState(h.State), LastSuccessAt: timeOrNil(h.LastSuccess), LastFailureAt: timeOrNil(h.LastFailure),
		LastError: orNil(h.LastError), ConsecutiveFailures: h.Failures,
	}
	if h.State == delivery.Unhealthy {
		out.NextProbeAt = timeOrNil(h.ProbeAt)
	}
	return out
}
