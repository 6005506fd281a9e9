// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// traits are what the tests that walk every attribute cannot learn from the contract: testdata/types/TYPE.json, where a
// type needs any.
type traits struct {
	Base     map[string]any      `json:"base"`     // attributes that a destination always needs
	Values   map[string][2]any   `json:"values"`   // by member: two values, where not every text will do
	Needles  map[string]string   `json:"needles"`  // by secret member: a value that the type takes, with NEEDLE in it
	Instead  map[string]string   `json:"instead"`  // attributes of which there is always one
	Together map[string]string   `json:"together"` // attributes of which there are both or none
	Needs    map[string][]string `json:"needs"`    // attributes that an attribute needs
	Without  map[string][]string `json:"without"`  // attributes of the base that an attribute excludes
}

// onlyType is for who writes a type: go test ./provider -run 'TestDrift|TestSecrets_OfEveryType' -type slack
var onlyType = flag.String("type", "", "the one destination type whose attributes are walked; all when empty")

// mustTake is the help where the control plane does not take what these tests set.
const mustTake = "What the tests set is in provider/testdata/types/TYPE.json where not every text is a value: a secret that is a URL stands in its \"values\" and \"needles\" (traits_test.go)."

// insteadOf are the attributes that stand where an attribute does not: one, and what it comes together with.
func (k traits) insteadOf(attribute string) []string {
	other := k.Instead[attribute]
	if other == "" {
		return nil
	}
	if partner := k.Together[other]; partner != "" && partner != attribute {
		return []string{other, partner}
	}
	return []string{other}
}

// traitsOf reads those of a resource, such as destination_slack.
func traitsOf(t *testing.T, resource string) traits {
	t.Helper()
	var found traits
	text, err := os.ReadFile(filepath.Join("testdata/types", strings.TrimPrefix(resource, "destination_")+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return found
	}
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		t.Fatalf("the traits of %s: %v", resource, err)
	}
	return found
}
