// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// chained is a webhook destination named like its label, with more arguments or blocks.
func chained(label, more string) string {
	return fmt.Sprintf("\nresource \"alertrouter_destination_webhook\" %[1]q {\n  display_name = %[1]q\n  severities   = [\"HIGH\"]\n  url          = \"https://soar.example.com\"\n  %[2]s\n}\n", label, more)
}

// to is the argument that makes another one the fallback.
func to(label string) string { return "fallback = alertrouter_destination_webhook." + label + ".id" }

const (
	addressA = "alertrouter_destination_webhook.a"
	addressB = "alertrouter_destination_webhook.b"
)

// Everything at once, by reference: the order of creating, changing and destroying follows from it.
func TestDestination_FallsBackByReference(t *testing.T) {
	w := newWorld(t)
	sameID := func(s *terraform.State) error {
		a, b := s.RootModule().Resources[addressA].Primary, s.RootModule().Resources[addressB].Primary
		if a.Attributes["fallback"] != b.ID {
			return fmt.Errorf("the fallback of a is %q, want %q", a.Attributes["fallback"], b.ID)
		}
		return nil
	}
	w.run(t,
		resource.TestStep{
			Config: w.config(chained("a", to("b")+"\n  fallback_after_seconds = 60")+chained("b", to("c"))+chained("c", to("d"))+chained("d", "")) +
				"data \"alertrouter_destination\" \"a\" {\n  id = alertrouter_destination_webhook.a.id\n}\n",
			Check: sameID,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(addressA, tfjsonpath.New("fallback_after_seconds"), knownvalue.Int64Exact(60)),
				statecheck.ExpectKnownValue(addressB, tfjsonpath.New("fallback_after_seconds"), knownvalue.Null()),
				statecheck.ExpectKnownValue("data.alertrouter_destination.a", tfjsonpath.New("fallback_after_seconds"), knownvalue.Int64Exact(60)),
				statecheck.CompareValuePairs("data.alertrouter_destination.a", tfjsonpath.New("fallback"), addressB, tfjsonpath.New("id"), compare.ValuesSame()),
			},
		},
		resource.TestStep{ResourceName: addressA, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ // the other way round
			Config:           w.config(chained("a", "") + chained("b", to("a")) + chained("c", to("b")) + chained("d", to("c"))),
			ConfigPlanChecks: planned(addressA, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(addressA, tfjsonpath.New("fallback"), knownvalue.Null()),
				statecheck.ExpectKnownValue(addressA, tfjsonpath.New("fallback_after_seconds"), knownvalue.Null()),
			},
		},
		resource.TestStep{
			Config:           w.config(chained("a", "") + chained("b", to("a")) + chained("c", to("b"))),
			ConfigPlanChecks: planned("alertrouter_destination_webhook.d", plancheck.ResourceActionDestroy),
		},
	)
}

// A destination that loses its users in the apply that removes it: what the attribute's description says of it is true.
func TestDestination_AFallbackGivenUpIsRemovedLast(t *testing.T) {
	w := newWorld(t)
	const last = "lifecycle { create_before_destroy = true }"
	w.run(t,
		resource.TestStep{Config: w.config(chained("a", to("b")) + chained("b", last))},
		resource.TestStep{Config: w.config(chained("a", "")), ConfigPlanChecks: planned(addressB, plancheck.ResourceActionDestroy)},
	)
}

// Without create_before_destroy Terraform removes it first, which the server refuses; the error says what to do.
func TestDestination_AFallbackInUseIsNotDestroyed(t *testing.T) {
	w := newWorld(t)
	w.run(t,
		resource.TestStep{Config: w.config(chained("a", to("b")) + chained("b", ""))},
		resource.TestStep{
			Config:      w.config(chained("a", "")),
			ExpectError: regexp.MustCompile(`(?s)"b"\s+is\s+the\s+fallback\s+of\s+"a".*create_before_destroy`),
		},
		resource.TestStep{Config: w.config(chained("a", "") + chained("b", ""))},
		resource.TestStep{Config: w.config(chained("a", ""))},
	)
}

func TestDestination_RefusesFallbacksThatCannotBe(t *testing.T) {
	w := newWorld(t)
	chain := chained("b", to("c")) + chained("c", to("d")) + chained("d", to("e")) + chained("e", "")
	w.run(t,
		resource.TestStep{
			Config:      w.config(chained("a", "fallback_after_seconds = 5")),
			ExpectError: regexp.MustCompile(`(?s)fallback.*must\s+be\s+specified\s+when`),
		},
		resource.TestStep{
			Config:      w.config(chained("a", `fallback = "nobody"`)),
			ExpectError: onAttribute("fallback", strings.ReplaceAll("names no destination", " ", `\s+`)),
		},
		resource.TestStep{Config: w.config(chain)},
		resource.TestStep{
			Config:      w.config(chain + chained("a", to("b"))),
			ExpectError: onAttribute("fallback", `chain.*"a"\s+→\s+"b"\s+→\s+"c"\s+→\s+"d"\s+→\s+"e"`),
		},
	)
}
