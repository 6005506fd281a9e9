// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

const (
	requestKey = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
	otherKey   = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f1"
	keyHeader  = "Idempotency-Key"
)

func wantReplayed(t *testing.T, a answer, want bool, revision string) {
	t.Helper()
	if got := a.header.Get("Idempotent-Replayed"); (got == "true") != want || got != "" && !want || a.header.Get("ETag") != revision {
		t.Errorf("replayed is %q and the ETag %s, want %v and %s", got, a.header.Get("ETag"), want, revision)
	}
}

func TestDestinations_TheSameRequestAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var first, again shown
	wantReplayed(t, admin(t, s, 201, &first, "POST", "/v1/destinations", body("A", ""), keyHeader, strings.ToUpper(requestKey)), false, `"1"`)
	s.Restart(t)
	wantReplayed(t, admin(t, s, 201, &again, "POST", "/v1/destinations", body("A", ""), keyHeader, requestKey), true, `"1"`)
	if first.ID != requestKey || again.ID != requestKey {
		t.Errorf("the ids are %s and %s, want the key", first.ID, again.ID)
	}
	admin(t, s, 409, nil, "POST", "/v1/destinations", body("B", ""), keyHeader, requestKey)
	path := "/v1/destinations/" + first.ID
	put := []string{"If-Match", `"1"`, keyHeader, otherKey}
	wantReplayed(t, admin(t, s, 200, nil, "PUT", path, body("A2", ""), put...), false, `"2"`)
	s.Restart(t)
	wantReplayed(t, admin(t, s, 200, &again, "PUT", path, body("A2", ""), put...), true, `"2"`)
	if again.Revision != 2 || again.DisplayName != "A2" {
		t.Errorf("got %+v", again)
	}
	admin(t, s, 412, nil, "PUT", path, body("A3", ""), put...)
	admin(t, s, 409, nil, "POST", "/v1/destinations", body("A", ""), keyHeader, requestKey)
	admin(t, s, 204, nil, "DELETE", path, nil)
	admin(t, s, 404, nil, "PUT", path, body("A2", ""), put...)
	admin(t, s, 409, nil, "POST", "/v1/destinations", body("A", ""), keyHeader, requestKey)
}

func TestOverrides_TheSameRequestAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	const path, high, low = "/v1/overrides/d", `{"severity":"HIGH"}`, `{"severity":"LOW"}`
	create := []string{"If-None-Match", "*", keyHeader, requestKey}
	for n := range 2 {
		wantReplayed(t, admin(t, s, 200, nil, "PUT", path, high, create...), n > 0, `"1"`)
		s.Restart(t)
	}
	admin(t, s, 412, nil, "PUT", path, low, create...)
	admin(t, s, 412, nil, "PUT", path, high, "If-None-Match", "*")
	for n := range 2 {
		wantReplayed(t, admin(t, s, 200, nil, "PUT", path, low, "If-Match", `"1"`, keyHeader, otherKey), n > 0, `"2"`)
	}
	admin(t, s, 412, nil, "PUT", path, low, "If-Match", `"1"`)
	refused := admin(t, s, 422, nil, "PUT", path, low, "If-None-Match", `"1"`)
	if names := fieldsOf(t, refused); len(names) != 1 || names[0] != "If-None-Match" {
		t.Errorf("got %s", refused.body)
	}
}

func TestTokens_TheSameRequestAgainMakesNone(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	token := func(name, secret string) string {
		return `{"name":"` + name + `","role":"engine","secret":"alertrouter_` + strings.Repeat(secret, 43) + `"}`
	}
	var first, again shown
	wantReplayed(t, admin(t, s, 201, &first, "POST", "/v1/tokens", token("engine", "x"), keyHeader, requestKey), false, "")
	s.Restart(t)
	wantReplayed(t, admin(t, s, 201, &again, "POST", "/v1/tokens", token("engine", "x"), keyHeader, requestKey), true, "")
	if first.ID != requestKey || again.ID != requestKey {
		t.Errorf("the ids are %s and %s, want the key", first.ID, again.ID)
	}
	admin(t, s, 409, nil, "POST", "/v1/tokens", token("other", "x"), keyHeader, requestKey)
	admin(t, s, 409, nil, "POST", "/v1/tokens", token("engine", "y"), keyHeader, requestKey)
	admin(t, s, 409, nil, "POST", "/v1/tokens", token("engine", "x"), keyHeader, otherKey)
	admin(t, s, 201, nil, "POST", "/v1/tokens", `{"name":"made","role":"engine"}`, keyHeader, otherKey)
	admin(t, s, 409, nil, "POST", "/v1/tokens", `{"name":"made","role":"engine"}`, keyHeader, otherKey) // its secret is not told twice
}

func TestIdempotencyKey_IsAUUIDAndGivesNoRights(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	for method, path := range map[string]string{"POST": "/v1/destinations", "PUT": "/v1/destinations/x"} {
		for _, key := range []string{"", "again", "{" + requestKey + "}"} {
			refused := admin(t, s, 422, nil, method, path, body("A", ""), keyHeader, key)
			if names := fieldsOf(t, refused); len(names) != 1 || names[0] != keyHeader {
				t.Errorf("%s with the key %q: got %s", method, key, refused.body)
			}
		}
	}
	admin(t, s, 201, nil, "POST", "/v1/destinations", body("A", ""), keyHeader, requestKey)
	var token struct{ Secret string }
	admin(t, s, 201, &token, "POST", "/v1/tokens", `{"name":"v","role":"viewer"}`)
	if a := call(t, s, token.Secret, "POST", "/v1/destinations", body("A", ""), keyHeader, requestKey); a.status != http.StatusForbidden {
		t.Errorf("a viewer's repeat: got %d %s", a.status, a.body)
	}
}
