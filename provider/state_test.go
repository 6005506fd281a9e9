// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestState_OfEarlierVersionsPlansEmpty puts states that earlier versions of the provider wrote under today's. Each
// directory of testdata/state has one, with its configuration; CONTRIBUTING.md says when to add another.
func TestState_OfEarlierVersionsPlansEmpty(t *testing.T) {
	versions, err := filepath.Glob("testdata/state/*/state.json")
	if err != nil || len(versions) == 0 {
		t.Fatalf("there are no states (%v)", err)
	}
	for _, file := range versions {
		dir := filepath.Dir(file)
		for name, edit := range map[string]func(attributes map[string]any){
			"as it was":                      func(map[string]any) {},
			"with an attribute that is gone": func(attributes map[string]any) { attributes["no_longer_there"] = []any{"x"} },
		} {
			t.Run(filepath.Base(dir)+" "+name, func(t *testing.T) {
				w := newWorld(t)
				environment := []string{"ALERTROUTER_ENDPOINT=" + w.URL, "ALERTROUTER_TOKEN=" + w.Token}
				made := enginetest.NewWorkspace(t, "", environment...)
				made.Copy(t, dir)
				made.Must(t, "apply", "-no-color", "-auto-approve")
				work := enginetest.NewWorkspace(t, "", environment...)
				work.Copy(t, dir)
				now := readState(t, filepath.Join(made.Dir, "terraform.tfstate"))
				state := readState(t, filepath.Join(work.Dir, "state.json"))
				state.adopt(t, now)
				for _, r := range state.instances(t) {
					edit(r["attributes"].(map[string]any))
				}
				work.Write(t, "terraform.tfstate", strings.ReplaceAll(encode(t, state), "registry.terraform.io", enginetest.Current().ProviderHost()))
				if out, err := work.Run(t, "plan", "-no-color", "-detailed-exitcode"); err != nil {
					t.Fatalf("the plan is not empty: %v\n%s", err, out)
				}
				// What was remembered of the secrets is read as it was written: another secret is noticed.
				config, err := os.ReadFile(filepath.Join(work.Dir, "main.tf"))
				if err != nil {
					t.Fatal(err)
				}
				work.Write(t, "main.tf", strings.Replace(string(config), `"three"`, `"another"`, 1))
				if out := work.Must(t, "apply", "-no-color", "-auto-approve"); !strings.Contains(out, "0 added, 1 changed, 0 destroyed") {
					t.Errorf("another secret was not noticed:\n%s", out)
				}
			})
		}
	}
}

// stateFile is a state as the engines write it, version 4 of the format.
type stateFile map[string]any

func readState(t *testing.T, file string) stateFile {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var state stateFile
	decode(t, string(raw), &state)
	return state
}

// instances returns the instances of all resources, of which each has one, by address.
func (s stateFile) instances(t *testing.T) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, r := range s["resources"].([]any) {
		r := r.(map[string]any)
		found[r["type"].(string)+"."+r["name"].(string)] = r["instances"].([]any)[0].(map[string]any)
	}
	if len(found) == 0 {
		t.Fatal("the state has no resources")
	}
	return found
}

// adopt makes the state that of the same resources at another control plane: what differs there comes from the state
// now, and that is what only a control plane makes up.
func (s stateFile) adopt(t *testing.T, now stateFile) {
	t.Helper()
	there := now.instances(t)
	ids := map[string]string{}
	for address, r := range s.instances(t) {
		if there[address] == nil {
			t.Fatalf("%s was not made", address)
		}
		old, current := r["attributes"].(map[string]any), there[address]["attributes"].(map[string]any)
		if id, ok := old["id"].(string); ok {
			ids[id] = current["id"].(string)
			old["secret_fingerprints"] = current["secret_fingerprints"]
			r["private"] = adoptPrivate(t, r["private"].(string), current["secret_fingerprints"].(map[string]any))
		}
	}
	text := encode(t, s)
	for id, current := range ids { // the overrides have them too
		text = strings.ReplaceAll(text, id, current)
	}
	clear(s)
	decode(t, text, &s)
}

// adoptPrivate puts other fingerprints into the records of secrets.
func adoptPrivate(t *testing.T, private string, fingerprints map[string]any) string {
	t.Helper()
	var whole map[string][]byte
	var plain []byte
	decode(t, `"`+private+`"`, &plain)
	decode(t, string(plain), &whole)
	var records map[string]map[string]any
	decode(t, string(whole["secrets"]), &records)
	if len(records) != len(fingerprints) {
		t.Fatalf("the private state has %d secrets, the control plane %d", len(records), len(fingerprints))
	}
	for name := range records {
		records[name]["fingerprint"] = fingerprints[name]
	}
	whole["secrets"] = []byte(encode(t, records))
	var encoded string
	decode(t, encode(t, []byte(encode(t, whole))), &encoded)
	return encoded
}
