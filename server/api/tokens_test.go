// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

const chosen = "alertrouter_chosen-by-the-caller-and-as-long-as-it-must-be"

// made is a token as its creation is answered.
type made struct{ ID, Name, Secret string }

func TestAPI_ATokenMayHaveAChosenSecret(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	input := map[string]any{"name": "reader", "permissions": []string{"alerts:read"}, "secret": chosen}
	var token made
	if a := admin(t, s, 201, &token, "POST", "/v1/tokens", input); strings.Contains(string(a.body), "secret") {
		t.Errorf("the answer repeats the secret: %s", a.body)
	}
	if a := call(t, s, chosen, "GET", "/v1/alerts", nil); a.status != 200 {
		t.Errorf("the token with a chosen secret does not work: %d", a.status)
	}
	again := call(t, s, s.Token, "POST", "/v1/tokens", input)
	if again.status != 409 || strings.Contains(string(again.body), token.ID) || strings.Contains(string(again.body), "reader") {
		t.Errorf("the same secret again: got %d %s, want a conflict that does not tell with which token", again.status, again.body)
	}
	admin(t, s, 204, nil, "DELETE", "/v1/tokens/"+token.ID, nil)
	admin(t, s, 201, nil, "POST", "/v1/tokens", input)
}

func TestAPI_AChosenSecretLooksLikeOneOfTheServers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	for name, secret := range map[string]string{
		"empty": "", "no prefix": strings.Repeat("x", 60), "short": "alertrouter_" + strings.Repeat("x", 42),
		"long": "alertrouter_" + strings.Repeat("x", 201), "a space": chosen + " ", "another letter": chosen + "ü", "a line break": chosen + "\n",
	} {
		a := call(t, s, s.Token, "POST", "/v1/tokens", map[string]any{"name": "x", "role": "viewer", "secret": secret})
		if a.status != 422 || !slices.Equal(fieldsOf(t, a), []string{"/secret"}) || !strings.Contains(string(a.body), "openssl rand") {
			t.Errorf("%s: got %d %s, want 422 on /secret that says how to make one", name, a.status, a.body)
		}
		if secret != "" && strings.Contains(string(a.body), strings.TrimSpace(secret)) {
			t.Errorf("%s: the answer quotes the secret: %s", name, a.body)
		}
	}
	document, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(document.Components.Schemas["TokenInput"].Value.Properties["secret"].Value.Pattern)
	if own := auth.NewSecret().Reveal(); !form.MatchString(own) || form.MatchString(own[:len(own)-1]) {
		t.Error("a secret the server makes must be of the form, and one character less must not")
	}
}

func TestAPI_OneSecretIsOneTokensEvenAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var callers sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		callers.Go(func() {
			statuses[i] = call(t, s, s.Token, "POST", "/v1/tokens", fmt.Sprintf(`{"name":"%d","role":"viewer","secret":%q}`, i, chosen)).status
		})
	}
	callers.Wait()
	slices.Sort(statuses)
	if want := []int{201, 409, 409, 409, 409, 409, 409, 409}; !slices.Equal(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
}

func TestAPI_ATokenCanBeRead(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	const until = "2999-01-02T03:04:05.123456789Z"
	var token made
	admin(t, s, 201, &token, "POST", "/v1/tokens", map[string]any{"name": "reader", "role": "viewer", "expires_at": until})
	a := admin(t, s, 200, nil, "GET", "/v1/tokens/"+token.ID, nil)
	for _, want := range []string{`"id":"` + token.ID + `"`, `"name":"reader"`, `"role":"viewer"`, `"alerts:read"`, `"expires_at":"` + until + `"`} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("the answer has no %s: %s", want, a.body)
		}
	}
	if strings.Contains(string(a.body), token.Secret) || strings.Contains(string(a.body), "hash") {
		t.Errorf("the answer shows the secret or its hash: %s", a.body)
	}
	admin(t, s, 204, nil, "DELETE", "/v1/tokens/"+token.ID, nil)
	for _, id := range []string{token.ID, "nobody's"} {
		if a := call(t, s, s.Token, "GET", "/v1/tokens/"+id, nil); a.status != 404 || !strings.Contains(string(a.body), "urn:alertrouter:problem:not-found") {
			t.Errorf("the token %s: got %d %s, want not-found", id, a.status, a.body)
		}
	}
}

func TestAPI_ARefusedGiftNamesTheFieldAndWhatIsLacking(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var limited made
	admin(t, s, 201, &limited, "POST", "/v1/tokens", map[string]any{"name": "limited", "permissions": []string{"tokens:write", "alerts:read"}})
	for field, body := range map[string]string{
		"/role":        `{"name":"x","role":"viewer"}`,
		"/permissions": `{"name":"x","permissions":["overrides:read","alerts:read","destinations:read"]}`,
	} {
		a := call(t, s, limited.Secret, "POST", "/v1/tokens", body)
		if a.status != 403 || !slices.Equal(fieldsOf(t, a), []string{field}) {
			t.Errorf("got %d %s, want 403 on %s", a.status, a.body, field)
		}
		for _, lacking := range []string{"overrides:read", "destinations:read"} {
			if !strings.Contains(string(a.body), lacking) {
				t.Errorf("%s: the answer does not name %s: %s", field, lacking, a.body)
			}
		}
	}
}

func TestAPI_AnExpiredTokenIsRefusedButStaysReadable(t *testing.T) {
	t.Parallel()
	var later atomic.Int64 // how far the server's clock is ahead
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	s := servertest.Start(t, func(c *server.Config) { c.Now = now })
	var token made
	admin(t, s, 201, &token, "POST", "/v1/tokens", map[string]any{"name": "brief", "role": "viewer", "expires_at": now().Add(time.Hour), "secret": chosen})
	admin(t, s, 200, nil, "GET", "/v1/tokens/"+token.ID, nil)
	later.Store(int64(2 * time.Hour))
	if a := call(t, s, chosen, "GET", "/v1/alerts", nil); a.status != 401 {
		t.Errorf("the expired token: got %d, want 401", a.status)
	}
	admin(t, s, 200, nil, "GET", "/v1/tokens/"+token.ID, nil)
	if a := call(t, s, s.Token, "POST", "/v1/tokens", map[string]any{"name": "next", "role": "viewer", "secret": chosen}); a.status != 409 {
		t.Errorf("the secret of an expired token: got %d, want 409", a.status)
	}
}
