// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestMain makes the tests run on every Terraform and OpenTofu there is.
func TestMain(m *testing.M) { enginetest.Main(m) }
