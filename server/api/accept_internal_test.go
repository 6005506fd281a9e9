// SPDX-License-Identifier: MPL-2.0

package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// What is written by hand says what the types' own tags say. A route that was decided has no rejections.
func TestAcceptance_IsWhatTheTypesSay(t *testing.T) {
	routes := rapid.Make[route.Route]()
	rapid.Check(t, func(t *rapid.T) {
		r := intake.Result{AlertID: rapid.String().Draw(t, "id"), Duplicate: rapid.Bool().Draw(t, "duplicate"), Route: routes.Draw(t, "route")}
		r.Route.Rejected = nil
		r.Route.Destinations = append([]route.Chosen{}, r.Route.Destinations...)
		r.Route.Warnings = append([]route.Warning{}, r.Route.Warnings...)
		want := map[string]any{"alert_id": r.AlertID, "duplicate": r.Duplicate, "route": r.Route}
		a := acceptanceOf(&r)
		sameJSON(t, a.append(nil, false), want)
		want["status"] = http.StatusAccepted
		if r.Duplicate {
			want["status"] = http.StatusOK
		}
		sameJSON(t, a.append(nil, true), want)
	})
}

func sameJSON(t *rapid.T, raw []byte, want any) {
	t.Helper()
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	if err := json.Unmarshal(wanted, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("got  %s\nwant %s", raw, wanted)
	}
}
