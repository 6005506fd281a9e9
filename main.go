// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-alertrouter is the Terraform plugin. Terraform starts it; with -debug it waits for
// Terraform to attach instead.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/alertrouter/terraform-provider-alertrouter/provider"
)

// version is set by the linker for releases.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "print what Terraform needs to attach to this process, and wait for it")
	flag.Parse()
	if err := provider.Serve(context.Background(), version, *debug); err != nil {
		log.Fatal(err)
	}
}
