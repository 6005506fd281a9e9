// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// testRendering wants from every kind of message a rendering that holds no secret in any spelling and that does not even
// depend on one. It is shown to whoever may read destinations, and nothing is masked in it.
func testRendering(t *testing.T, c Case) {
	tested := map[string]bool{}
	for _, other := range append([]map[string]any{nil}, c.OtherSecrets...) {
		with := c.with(t, other)
		changed := with
		for _, name := range c.Type.Secrets {
			if value := with.members(t)[name]; value != nil {
				tested[name] = true
				changed = changed.with(t, map[string]any{name: otherSecret(value)})
			}
		}
		for _, templates := range with.someTemplates(t) {
			for kind, m := range with.quoting(t, kinds()) {
				first, second := with.with(t, templates).rendering(t, m), changed.with(t, templates).rendering(t, m)
				if !bytes.Equal(first, second) {
					t.Errorf("%s: got %s, and with other secrets %s", kind, first, second)
				}
				if !strings.HasPrefix(kind, "quotes ") {
					with.findSecretsOrCodes(t, string(first))
				}
			}
		}
	}
	for _, name := range c.Type.Secrets {
		if !tested[name] {
			t.Errorf(`suite.json needs a config that sets %s: in "config", or what differs from it in "other_secrets"`, name)
		}
	}
}

// kinds are messages of every kind, by name.
func kinds() map[string]*destination.Message {
	again, fails := Message(), Message()
	again.Again, again.Attempt = true, 3
	fails.Alert.Context = json.RawMessage(`{"suite":[]}`)
	return map[string]*destination.Message{
		"alert": Message(), "minimal": Minimal(), "hostile": Hostile(), "test": Test(), "fallback": Fallback(), "again": again, "fails": fails,
		"blank": Blank(), "overlong": Overlong(strings.Repeat("x", 10_000)),
	}
}

// quoting adds messages of alerts that say what the secrets are. Were that masked, a preview would tell whether a guess at a
// secret is right.
func (c Case) quoting(t testing.TB, messages map[string]*destination.Message) map[string]*destination.Message {
	t.Helper()
	for name, value := range c.members(t) {
		if slices.Contains(c.Type.Secrets, name) {
			for i, hidden := range stringsIn(value) {
				messages[fmt.Sprintf("quotes %s %d", name, i)] = Overlong(hidden)
			}
		}
	}
	return messages
}

// someTemplates are the templates a rendering is looked at with: none, those that work and those that fail.
func (c Case) someTemplates(t testing.TB) []map[string]any {
	t.Helper()
	if !c.hasTemplates(t) {
		return []map[string]any{nil}
	}
	return []map[string]any{
		nil,
		{"title_template": "{{.title}}", "body_template": c.own("{{.description}} {{.severity}}")},
		{"title_template": "{{index .context.suite 0}}", "body_template": c.own("{{index .context.suite 0}}")},
	}
}

// rendering is all that a preview tells of a message, also where it cannot be rendered.
func (c Case) rendering(t testing.TB, m *destination.Message) []byte {
	t.Helper()
	r, err := c.open(t, vendorAddress).Render(m)
	return fmt.Appendf(nil, "%s %t %q %v", r.Body, r.Truncated, r.Notes, err)
}

func (c Case) members(t testing.TB) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(c.Config, &members); err != nil {
		t.Fatalf("the suite's config: %v", err)
	}
	return members
}

// otherSecret returns another secret of the same form: the end of each of its texts differs, or what stands before a key,
// which has to go on belonging to its certificate.
func otherSecret(value any) any {
	switch value := value.(type) {
	case string:
		if strings.HasPrefix(value, "-----BEGIN ") {
			return "another\n" + value
		}
		const changed = 8
		text := []byte(value)
		for i, n := len(text)-1, 0; i >= 0 && n < changed; i-- {
			switch b := text[i]; {
			case b == '9', b == 'f', b == 'F', b == 'z', b == 'Z': // digits stay digits, and hexadecimal ones those
				text[i]--
			case b >= '0' && b < '9', b|0x20 >= 'a' && b|0x20 < 'z':
				text[i]++
			default:
				continue
			}
			n++
		}
		return string(text)
	case map[string]any:
		other := map[string]any{}
		for name := range value {
			other[name] = otherSecret(value[name])
		}
		return other
	}
	return value
}

// findSecretsOrCodes is findSecrets that also finds what stands in base64 or hexadecimal, wherever in it, as the password
// in the credentials of basic authentication does.
func (c Case) findSecretsOrCodes(t testing.TB, text string) {
	t.Helper()
	c.findSecrets(t, vendorAddress, text)
	lower := strings.ToLower(text)
	for name, value := range c.members(t) {
		if !slices.Contains(c.Type.Secrets, name) {
			continue
		}
		for _, hidden := range stringsIn(value) {
			if strings.Contains(lower, hex.EncodeToString([]byte(hidden))) {
				t.Errorf("%s can be read in hexadecimal in %q", name, text)
			}
			for before := range 3 {
				code := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), hidden...))
				code = code[(before*8+5)/6 : len(code)-1] // without characters that its neighbours are part of
				urlSafe := strings.NewReplacer("+", "-", "/", "_").Replace(code)
				if len(code) >= 4 && (strings.Contains(text, code) || strings.Contains(text, urlSafe)) {
					t.Errorf("%s can be read in base64 in %q", name, text)
				}
			}
		}
	}
}
