// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

const overrideAddress = "alertrouter_detection_override.test"

func override(more string) string {
	return `
resource "alertrouter_detection_override" "test" {
  detection_id = "AWS/Root Login: ünï"
  ` + more + `
}
`
}

func TestDetectionOverride_LivesItsWholeLife(t *testing.T) {
	w := newWorld(t)
	update := planned(overrideAddress, plancheck.ResourceActionUpdate)
	destinations := func(want knownvalue.Check) []statecheck.StateCheck {
		return []statecheck.StateCheck{statecheck.ExpectKnownValue(overrideAddress, tfjsonpath.New("destinations"), want)}
	}
	w.run(
		t,
		resource.TestStep{
			Config:            w.config(override(`severity = "CRITICAL"`)),
			ConfigStateChecks: destinations(knownvalue.Null()),
		},
		resource.TestStep{
			Config:            w.config(override(`destinations = []`)),
			ConfigPlanChecks:  update,
			ConfigStateChecks: destinations(knownvalue.ListSizeExact(0)),
		},
		resource.TestStep{ResourceName: overrideAddress, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "detection_id", ImportStateId: "AWS/Root Login: ünï"},
		resource.TestStep{ResourceName: overrideAddress, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: "AWS/Root Login: ünï"},
		resource.TestStep{
			Config:            w.config(slackWith(slackURL) + override(`destinations = [alertrouter_destination_slack.test.id, "SKIP"]`)),
			ConfigPlanChecks:  update,
			ConfigStateChecks: destinations(knownvalue.ListSizeExact(2)),
		},
		// A name that is nobody's is a warning, not an error.
		resource.TestStep{
			Config:            w.config(slackWith(slackURL) + override(`destinations = ["SOC", "nobody"]`)),
			ConfigPlanChecks:  update,
			ConfigStateChecks: destinations(knownvalue.ListSizeExact(2)),
		},
	)
}

func TestDetectionOverride_RepairsWhatChangedOutside(t *testing.T) {
	w := newWorld(t)
	const id = "AWS/Root Login: ünï"
	w.run(
		t,
		resource.TestStep{Config: w.config(override(`severity = "HIGH"`))},
		resource.TestStep{
			PreConfig: func() {
				input := client.OverrideInput{Destinations: &[]string{}}
				if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), id, nil, input)); err != nil {
					t.Fatal(err)
				}
			},
			Config:           w.config(override(`severity = "HIGH"`)),
			ConfigPlanChecks: planned(overrideAddress, plancheck.ResourceActionUpdate),
		},
		resource.TestStep{
			PreConfig: func() {
				if err := client.NoContent(w.api.DeleteOverrideWithResponse(t.Context(), id, nil)); err != nil {
					t.Fatal(err)
				}
			},
			Config:           w.config(override(`severity = "HIGH"`)),
			ConfigPlanChecks: planned(overrideAddress, plancheck.ResourceActionCreate),
		},
	)
}

func TestDetectionOverride_LeavesAnExistingOneAlone(t *testing.T) {
	w := newWorld(t)
	input := client.OverrideInput{Severity: new(client.OverrideInputSeverityLOW)}
	if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil, input)); err != nil {
		t.Fatal(err)
	}
	w.run(t, resource.TestStep{
		Config:      w.config(override(`severity = "HIGH"`)),
		ExpectError: regexp.MustCompile(`(?s)detection_id\s+=.*import`),
	})
	o, err := client.OK(w.api.GetOverrideWithResponse(t.Context(), "AWS/Root Login: ünï"))
	if err != nil || o.Revision != 1 || *o.Severity != client.OverrideSeverityLOW {
		t.Errorf("the override is now %+v (%v)", o, err)
	}
}

func TestDetectionOverride_SaysWhenItWasDeletedBeforeTheUpdate(t *testing.T) {
	w := newWorld(t)
	remove := betweenPlanAndApply(func() {
		if err := client.NoContent(w.api.DeleteOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil)); err != nil {
			t.Fatal(err)
		}
	})
	w.run(
		t,
		resource.TestStep{Config: w.config(override(`severity = "HIGH"`))},
		resource.TestStep{
			Config:           w.config(override(`severity = "CRITICAL"`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{remove}},
			ExpectError:      regexp.MustCompile(`(?s)deleted\s+outside\s+Terraform`),
		},
	)
}

func TestDetectionOverride_RefusesIdsThatNoPathCanHave(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{".", ".."} {
		w.run(t, resource.TestStep{
			Config:      w.config("resource \"alertrouter_detection_override\" \"test\" {\n  detection_id = \"" + id + "\"\n  destinations = []\n}"),
			PlanOnly:    true,
			ExpectError: onAttribute("detection_id", ""),
		})
	}
}

func TestDetectionOverride_WarnsOfWhatDoesNothing(t *testing.T) {
	w := newWorld(t)
	work := enginetest.NewWorkspace(t, enginetest.RequiredProviders+`
variable "list" {
  type    = list(string)
  default = null
}
resource "alertrouter_detection_override" "test" {
  detection_id = "d"
  destinations = var.list
}
`, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	if out := work.Must(t, "plan", "-no-color"); !strings.Contains(out, "The override does nothing") {
		t.Errorf("no warning of an override without severity and destinations:\n%s", out)
	}
	if out := work.Must(t, "apply", "-no-color", "-auto-approve", `-var=list=["nobody"]`); !strings.Contains(out, "has a useless entry") {
		t.Errorf("no warning of a destination that is none:\n%s", out)
	}
	// This plan mends it: the warning is about what is there, not about the line that no longer says so.
	out := work.Must(t, "plan", "-no-color", "-var=list=[]")
	if !strings.Contains(out, "has a useless entry") || strings.Contains(out, "destinations = var.list") || strings.Contains(out, "does nothing") {
		t.Errorf("the warning is missing, or points at the configuration's list:\n%s", out)
	}
}

func TestDetectionOverride_OverwritesNothing(t *testing.T) {
	w := newWorld(t)
	interfere := betweenPlanAndApply(func() {
		input := client.OverrideInput{Severity: new(client.OverrideInputSeverityLOW)}
		if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), "AWS/Root Login: ünï", nil, input)); err != nil {
			t.Fatal(err)
		}
	})
	w.run(
		t,
		resource.TestStep{Config: w.config(override(`severity = "HIGH"`))},
		resource.TestStep{
			Config:           w.config(override(`severity = "CRITICAL"`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{interfere}},
			ExpectError:      regexp.MustCompile(`(?s)changed\s+outside\s+Terraform.*412`),
		},
	)
}
