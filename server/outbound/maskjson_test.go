// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

func TestMaskJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ secret, value, want string }{
		{"hunter22", `{"a":"x hunter22 y"}`, `{"a":"x [secret] y"}`},
		{"hunter22", `{"hunter22":[1, "hunter2"]}`, `{"[secret]":[1, "hunter2"]}`},
		{"hun\"ter\n", `{"a":"hun\"ter\n","b":"\u0068un\"ter\u000a"}`, `{"a":"[secret]","b":"[secret]"}`},
		{"nothing", "{ \"a\" : 1e400,\n\"a\":\"\\ud800\\u003c<\" }", "{ \"a\" : 1e400,\n\"a\":\"\\ud800\\u003c<\" }"},
		{"true", `{"a":true,"b":"true"}`, `{"a":true,"b":"[secret]"}`},
		{"1234", `{"a":-912345.5,"b":123}`, `{"a":"[secret]","b":123}`},
		{"nfoo", `{"a":"\nfoo nfoo"}`, `{"a":"\nfoo [secret]"}`},
		{"u0041BC", `{"a":"\u0041BC"}`, `{"a":"\u0041BC"}`},
		{`","b":"`, `{"a":"1","b":"2"}`, `{"a":"1","b":"2"}`},
		{"a b&c", `{"a":"a%20b%26c a+b%26c a b&amp;c"}`, `{"a":"[secret] [secret] [secret]"}`},
		{"https://hooks.example.com/T0/secretpart", `{"a":"see /T0/secretpart and secretpart"}`, `{"a":"see [secret] and [secret]"}`},
		{"abc", `{"a":"abc"}`, `{"a":"abc"}`}, // too short to be told from words
	} {
		if got := outbound.MaskJSON([]byte(c.value), secret.New(c.secret)); string(got) != c.want {
			t.Errorf("%q in %s: got %s, want %s", c.secret, c.value, got, c.want)
		}
	}
}

func TestMaskJSON_StaysJSONWithoutTheSecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.StringOfN(rapid.RuneFrom([]rune(`ab01"\/un %:,{}[]truefals`+"\n\té😀")), 4, 9, -1)
		hidden := piece.Draw(t, "secret")
		value := map[string]any{piece.Draw(t, "name"): []any{piece.Draw(t, "before") + hidden + piece.Draw(t, "after"), hidden, 110011, true, nil}}
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		got := outbound.MaskJSON(raw, secret.New(hidden))
		if !jsontext.Value(got).IsValid() {
			t.Fatalf("%q in %s: got %s, want JSON", hidden, raw, got)
		}
		var read map[string][]any
		if err := json.Unmarshal(got, &read); err != nil {
			t.Fatal(err)
		}
		for name, list := range read {
			if strings.Contains(name, hidden) || strings.Contains(list[0].(string), hidden) || list[1] != secret.Mask {
				t.Fatalf("%q can be read in %s", hidden, got)
			}
		}
	})
}
