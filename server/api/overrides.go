// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// ListOverrides implements GET /v1/overrides.
func (a *API) ListOverrides(_ context.Context, r ListOverridesRequestObject) (ListOverridesResponseObject, error) {
	s := a.Registry.Snapshot()
	items, next, err := page(s.Overrides(), r.Params.Cursor, r.Params.Limit, func(o registry.Override) string { return o.DetectionID })
	if err != nil {
		return nil, err
	}
	list := OverrideList{Items: make([]Override, len(items)), NextCursor: orNil(next)}
	for i, o := range items {
		list.Items[i] = overrideOf(s, o)
	}
	return ListOverrides200JSONResponse(list), nil
}

// GetOverride implements GET /v1/overrides/{detection_id}.
func (a *API) GetOverride(_ context.Context, r GetOverrideRequestObject) (GetOverrideResponseObject, error) {
	o, err := a.Registry.Override(r.DetectionID)
	if err != nil {
		return nil, err
	}
	return GetOverride200JSONResponse{
		Body: overrideOf(a.Registry.Snapshot(), o), Headers: GetOverride200ResponseHeaders{ETag: etag(o.Revision)},
	}, nil
}

// PutOverride implements PUT /v1/overrides/{detection_id}.
func (a *API) PutOverride(ctx context.Context, r PutOverrideRequestObject) (PutOverrideResponseObject, error) {
	terms, err := termsOf(r.Params.IfMatch, r.Params.IfNoneMatch, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	o, again, err := a.Registry.PutOverride(ctx, r.DetectionID, terms, alert.Severity(deref(r.Body.Severity)), deref(r.Body.Destinations))
	if err != nil {
		return nil, err
	}
	return PutOverride200JSONResponse{
		Body: overrideOf(a.Registry.Snapshot(), o), Headers: PutOverride200ResponseHeaders{ETag: etag(o.Revision), IdempotentReplayed: replayed(again)},
	}, nil
}

// ValidateOverride implements POST /v1/overrides/{detection_id}/validate. What can be wrong with an override, the contract
// has said by now.
func (a *API) ValidateOverride(_ context.Context, r ValidateOverrideRequestObject) (ValidateOverrideResponseObject, error) {
	s := a.Registry.Snapshot()
	validation := ValidateOverride200JSONResponse{Valid: true, Exists: s.HasOverride(r.DetectionID), Warnings: []OverrideWarning{}}
	for _, w := range s.Warnings(deref(r.Body.Destinations)) {
		validation.Warnings = append(validation.Warnings, OverrideWarning{
			Field: fmt.Sprintf("/destinations/%d", w.Entry), Code: OverrideWarningCode(w.Code), Message: w.Message,
		})
	}
	return validation, nil
}

// DeleteOverride implements DELETE /v1/overrides/{detection_id}.
func (a *API) DeleteOverride(ctx context.Context, r DeleteOverrideRequestObject) (DeleteOverrideResponseObject, error) {
	revisions, err := ifMatch(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Registry.DeleteOverride(ctx, r.DetectionID, revisions); err != nil {
		return nil, err
	}
	return DeleteOverride204Response{}, nil
}

func overrideOf(s *registry.Snapshot, o registry.Override) Override {
	warnings := []RouteWarning{}
	for _, w := range s.Warnings(o.Destinations) {
		warnings = append(warnings, RouteWarning{Code: RouteWarningCode(w.Code), Message: w.Message})
	}
	return Override{
		DetectionID: o.DetectionID, Severity: orNil(OverrideSeverity(o.Severity)), Destinations: o.Destinations,
		CreatedAt: o.CreatedAt.UTC(), UpdatedAt: o.UpdatedAt.UTC(), Revision: o.Revision, Warnings: warnings,
	}
}
