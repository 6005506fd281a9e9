// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// A change is what a plan does to a resource, as the engine's JSON has it.
type change struct {
	Actions      []string
	Before       map[string]any
	After        map[string]any
	AfterUnknown map[string]any `json:"after_unknown"`
}

// attributes returns the names of those the change sets to something else, or to something not known yet.
func (c change) attributes() []string {
	names := map[string]bool{}
	for _, side := range []map[string]any{c.Before, c.After, c.AfterUnknown} {
		for name := range side {
			// What is known in part is true somewhere deeper.
			unknown := c.AfterUnknown[name] == true
			if unknown || !reflect.DeepEqual(c.Before[name], c.After[name]) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// changesIn returns the changes of a saved plan by address.
func changesIn(t *testing.T, work *enginetest.Workspace, plan string) map[string]change {
	t.Helper()
	var shown struct {
		ResourceChanges []struct {
			Address string
			Change  change
		} `json:"resource_changes"`
	}
	decode(t, work.Must(t, "show", "-json", plan), &shown)
	changes := map[string]change{}
	for _, r := range shown.ResourceChanges {
		changes[r.Address] = r.Change
	}
	return changes
}

// idsIn returns the ids in the state, by address.
func idsIn(t *testing.T, work *enginetest.Workspace) map[string]string {
	t.Helper()
	var shown struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address string
					Values  struct{ ID string }
				}
			} `json:"root_module"`
		}
	}
	decode(t, work.Must(t, "show", "-json"), &shown)
	ids := map[string]string{}
	for _, r := range shown.Values.RootModule.Resources {
		ids[r.Address] = r.Values.ID
	}
	return ids
}
