// SPDX-License-Identifier: MPL-2.0

// Package amazon is what the destination types of Amazon Web Services have in common. It is not a type: packages
// amazon_sns and amazon_sqs are.
//
//	access.go        Access: who calls and where, as a user sets it
//	resource.go      what the names of topics, queues and roles say
//	credentials.go   the credentials: found at the first call, kept, renewed before they end
//	call.go          Caller: one call through the SDK, its receipt and its outcome
//	errors.go        what AWS's error codes mean for the next attempt
//	message.go       Form: what a user sets about messages; attributes, and the ids of first-in-first-out topics and queues
//
// The SDK signs, encodes and decodes. It does not retry, which is the queue's business, and it reaches the network
// through [outbound.Client], so that the guard and the bounds hold for it as well. The exception is what the default
// credential chain reads to find the server's own identity (files, the environment, and the metadata addresses of EC2,
// ECS and EKS): that is the operator's, cannot be changed by a destination, and its addresses are ones the guard
// blocks for good reason. It goes through the SDK's own client, which has time-outs for them.
package amazon
