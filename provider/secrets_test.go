// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

var (
	optionalSecret = secret{name: "bearer_token", text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Webhook.BearerToken }}
	requiredSecret = secret{name: "webhook_url", requiredOnCreate: true, text: func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Slack.WebhookURL }}
	unfitSecret    = secret{name: "bearer_token", text: optionalSecret.text, fits: func(model) bool { return false }}
)

func TestSecretValue_ChoosesWhatToSend(t *testing.T) {
	t.Parallel()
	null, one, two := types.Int64Null(), types.Int64Value(1), types.Int64Value(2)
	absent := func(s secret) secretValue {
		return secretValue{secret: s, version: null, unfit: func() bool { return s.fits != nil }}
	}
	value := func(s secret, text string, version types.Int64) secretValue {
		return secretValue{secret: s, set: true, text: text, version: version}
	}
	// wrote is the records after v was sent and the server returned the fingerprint f1.
	wrote := func(v secretValue) records {
		r := v.record()
		r.Fingerprint = "f1"
		return records{v.name: r}
	}
	// left is the records after the first write after an import left a secret alone whose fingerprint was f1.
	left := func(s secret) records { return records{s.name: record{Kept: true, Fingerprint: "f1"}} }
	old := value(optionalSecret, "old", null)
	unknown := old
	unknown.text, unknown.unknown = "", true
	unknownVersioned := unknown
	unknownVersioned.version = one

	cases := []struct {
		name  string
		value secretValue
		known records
		has   stored
		want  choice
	}{
		{"absent, never written", absent(optionalSecret), records{}, stored{"", null}, choice{keep, false}},
		{"absent, imported", absent(optionalSecret), nil, stored{"f1", null}, choice{keep, false}},
		{"absent, imported, and another attribute does not allow it", absent(unfitSecret), nil, stored{"f1", null}, choice{remove, true}},
		{"absent, left alone", absent(optionalSecret), left(optionalSecret), stored{"f1", null}, choice{keep, false}},
		{"absent, left alone, and another attribute does not allow it", absent(unfitSecret), left(unfitSecret), stored{"f1", null}, choice{remove, true}},
		{"absent, left alone and changed by somebody else", absent(optionalSecret), left(optionalSecret), stored{"f2", null}, choice{remove, true}},
		{"absent, left alone and removed by somebody else", absent(optionalSecret), left(optionalSecret), stored{"", null}, choice{keep, false}},
		{"absent but required, left alone and changed by somebody else", absent(requiredSecret), left(requiredSecret), stored{"f2", null}, choice{keep, false}},
		{"absent, set by somebody else", absent(optionalSecret), records{}, stored{"f1", null}, choice{remove, true}},
		{"absent but required", absent(requiredSecret), records{}, stored{"f1", null}, choice{keep, false}},
		{"taken out of the configuration", absent(optionalSecret), wrote(old), stored{"f1", null}, choice{remove, true}},
		{"taken out, and gone already", absent(optionalSecret), wrote(old), stored{"", null}, choice{keep, false}},
		{"taken out, but required", absent(requiredSecret), wrote(value(requiredSecret, "old", null)), stored{"f1", null}, choice{keep, false}},
		{"imported", old, nil, stored{"f1", null}, choice{send, false}},
		{"imported, and the server has none", old, nil, stored{"", null}, choice{send, true}},
		{"imported, with a version", value(optionalSecret, "old", one), nil, stored{"f1", null}, choice{send, true}},
		{"put into the configuration after it was left alone", old, left(optionalSecret), stored{"f1", null}, choice{send, true}},
		{"put into the configuration", old, records{}, stored{"", null}, choice{send, true}},
		{"put into the configuration, and the server has one", old, records{}, stored{"f1", null}, choice{send, true}},
		{"the same", old, wrote(old), stored{"f1", null}, choice{keep, false}},
		{"another value", value(optionalSecret, "new", null), wrote(old), stored{"f1", null}, choice{send, true}},
		{"not known yet", unknown, wrote(old), stored{"f1", null}, choice{send, true}},
		{"changed by somebody else", old, wrote(old), stored{"f2", null}, choice{send, true}},
		{"removed by somebody else", old, wrote(old), stored{"", null}, choice{send, true}},
		{"the same version", value(optionalSecret, "new", one), wrote(value(optionalSecret, "old", one)), stored{"f1", one}, choice{keep, false}},
		{"the same version, not known yet", unknownVersioned, wrote(value(optionalSecret, "old", one)), stored{"f1", one}, choice{keep, false}},
		{"another version", value(optionalSecret, "old", two), wrote(value(optionalSecret, "old", one)), stored{"f1", one}, choice{send, true}},
		{"the same version, changed by somebody else", value(optionalSecret, "old", one), wrote(value(optionalSecret, "old", one)), stored{"f2", one}, choice{send, true}},
		{"from automatic to a version", value(optionalSecret, "old", one), wrote(old), stored{"f1", null}, choice{send, true}},
		{"from a version to automatic", old, wrote(value(optionalSecret, "old", one)), stored{"f1", one}, choice{send, true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.value.choose(c.known, c.has); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTrimmed_IsWhatTheServerTrims(t *testing.T) {
	t.Parallel()
	for c := range rune(0x3100) {
		for _, text := range []string{string(c), "a" + string(c), string(c) + "a", "a" + string(c) + "b"} {
			if got, want := trimmed.MatchString(text), strings.TrimSpace(text) == text; got != want && utf8.ValidString(text) {
				t.Errorf("%q: got %v, want %v", text, got, want)
			}
		}
	}
}

func TestAttributeOf_FindsMembersOfLists(t *testing.T) {
	t.Parallel()
	r := newDestinationResource(opsgenieKind)
	for pointer, want := range map[string]string{
		"/config/opsgenie/tags":                     "tags",
		"/config/opsgenie/tags/3":                   "tags[3]",
		"/config/opsgenie/responders/1":             "responders[1]",
		"/config/opsgenie/responders/1/username":    "responders[1].username",
		"/config/opsgenie/responders/x":             "responders",
		"/config/opsgenie/priority_by_severity/LOW": `priority_by_severity["LOW"]`,
		"/config/opsgenie/api_key":                  "api_key_wo",
	} {
		if got, ok := r.attributeOf(pointer); !ok || got.String() != want {
			t.Errorf("%q: got %s (%v), want %s", pointer, got, ok, want)
		}
	}
}

func TestAttributeOf_FindsMembersOfMaps(t *testing.T) {
	t.Parallel()
	r := newDestinationResource(webhookKind)
	for pointer, want := range map[string]string{
		"":                                    "display_name",
		"/severities/0":                       "severities",
		"/config/webhook/url":                 "url",
		"/config/webhook/headers":             "headers",
		"/config/webhook/headers/X~1Y~0~01":   `headers["X/Y~~1"]`,
		"/config/webhook/secret_headers/Host": `secret_headers_wo["Host"]`,
		"/config/webhook/bearer_token":        "bearer_token_wo",
	} {
		if got, ok := r.attributeOf(pointer); !ok || got.String() != want {
			t.Errorf("%q: got %s (%v), want %s", pointer, got, ok, want)
		}
	}
	if got, ok := r.attributeOf("/config/webhook"); ok {
		t.Errorf("the whole config: got %s, want no attribute", got)
	}
}

func TestSecretValue_KeepsNoHashInManualMode(t *testing.T) {
	t.Parallel()
	v := secretValue{secret: optionalSecret, set: true, text: "guess me", version: types.Int64Value(1)}
	if r := v.record(); r.MAC != nil || r.Salt != nil {
		t.Errorf("got %+v, want neither salt nor MAC", r)
	}
}

func TestSecretValue_HashIsSalted(t *testing.T) {
	t.Parallel()
	v := secretValue{secret: optionalSecret, set: true, text: "the same", version: types.Int64Null()}
	if a, b := v.record(), v.record(); string(a.MAC) == string(b.MAC) {
		t.Error("two hashes of one value are equal")
	}
}
