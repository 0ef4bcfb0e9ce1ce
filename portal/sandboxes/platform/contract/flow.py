"""The Flow Service of XP Z12-013 1.3.0 as our own OpenAPI document.

The document also judges requests, so that it cannot promise what the routes do not keep.
"""

from __future__ import annotations

from einvoice.platform.port import AckStatus, Direction, ProcessingRule, Profile, Syntax
from portal.sandboxes.platform.contract.parts import (
    ERROR,
    Schema,
    choice,
    group,
    joined,
    json_content,
    many,
    ref,
    refusals,
    security,
    text,
    whole,
)

MAX_LIMIT, DEFAULT_LIMIT = 100, 25
FLOW_TYPES = (
    "CustomerInvoice",
    "SupplierInvoice",
    "CustomerInvoiceLC",
    "SupplierInvoiceLC",
    "StateCustomerInvoiceLC",
    "StateSupplierInvoiceLC",
    "AggregatedCustomerTransactionReport",
    "UnitaryCustomerTransactionReport",
    "AggregatedCustomerPaymentReport",
    "UnitaryCustomerPaymentReport",
    "UnitarySupplierTransactionReport",
    "MultiFlowReport",
    "StateCustomerInvoice",
    "StateSupplierInvoice",
    "StateTransactionReport",
    "StateTransactionReportLC",
    "StatePaymentReport",
    "StatePaymentReportLC",
    "Undefined",
)
REASONS = (
    "EmptyAttachement",
    "AttachmentTypeError",
    "EmptyFlow",
    "OtherTechnicalError",
    "InvalidSchema",
    "FileSizeExceeded",
    "FlowTypeError",
    "AlreadyExistingFlow",
    "VirusFound",
    "ChecksumMismatch",
    "InvoiceLCInvalidStatus",
    "InvoiceLCStatusError",
    "InvoiceLCRuleError",
    "InvoiceLCAccessDenied",
    "InvoiceLCAmountError",
)
"""Reasons that the norm names; the list is open, and rule ids of the Schematrons stand there too."""

SCHEMAS: dict[str, Schema] = {
    "Error": ERROR,
    "Id": text(maxLength=64),
    "Cursor": text(pattern="^[0-9]{1,16}-[0-9]{1,9}$"),
    "Limit": whole(minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
    "ProcessingRule": choice(*(rule.value for rule in ProcessingRule)),
    "FlowSyntax": choice(*(syntax.value for syntax in Syntax)),
    "FlowProfile": choice(*(profile.value for profile in Profile)),
    "FlowType": choice(*FLOW_TYPES),
    "FlowDirection": choice(*(direction.value for direction in Direction)),
    "AckStatus": choice(*(status.value for status in AckStatus)),
    "CoreFlowInfo": group(
        "flowSyntax",
        "name",
        trackingId=ref("Id"),
        name=text(minLength=1, maxLength=255),
        processingRule=ref("ProcessingRule"),
        flowSyntax=ref("FlowSyntax"),
        flowProfile=ref("FlowProfile"),
    ),
    "FlowInfo": joined(
        ref("CoreFlowInfo"), group(sha256=text(minLength=64, maxLength=64, pattern="^[a-fA-F0-9]{64}$"))
    ),
    "Received": group("flowId", "submittedAt", flowId=ref("Id"), submittedAt=text(format="date-time")),
    "FullFlowInfo": joined(ref("Received"), ref("FlowInfo")),
    "AcknowledgementDetail": group(
        "item",
        "level",
        "reasonCode",
        "reasonMessage",
        level=choice("Error", "Warning"),
        item=text(),
        reasonCode={
            "oneOf": [{"type": "string", "enum": list(REASONS)}, {"type": "string", "not": {"enum": list(REASONS)}}]
        },
        reasonMessage=text(),
    ),
    "Acknowledgement": group("status", status=ref("AckStatus"), details=many(ref("AcknowledgementDetail"), minItems=1)),
    "FlowState": group(
        "acknowledgement",
        "flowDirection",
        "flowType",
        "processingRuleSource",
        "updatedAt",
        updatedAt=text(format="date-time"),
        flowType=ref("FlowType"),
        processingRuleSource=choice("Input", "Computed"),
        flowDirection=ref("FlowDirection"),
        acknowledgement=ref("Acknowledgement"),
    ),
    "Flow": joined(ref("CoreFlowInfo"), ref("Received"), ref("FlowState"), required=["flowProfile", "processingRule"]),
    "SearchFilters": group(
        updatedAfter=text(format="date-time"),
        updatedBefore=text(format="date-time"),
        processingRule=many(ref("ProcessingRule")),
        flowType=many(ref("FlowType")),
        flowDirection=many(ref("FlowDirection")),
        trackingId=ref("Id"),
        ackStatus=ref("AckStatus"),
    )
    | {"minProperties": 1, "additionalProperties": False},
    "Search": group("where", limit=ref("Limit"), cursor=ref("Cursor"), where=ref("SearchFilters")),
    "Found": group(
        limit=ref("Limit"), nextCursor=ref("Cursor"), filters=ref("SearchFilters"), results=many(ref("Flow"))
    ),
    "WebhookParams": group(
        "callbackUrl",
        callbackUrl=text(format="uri", pattern="^https?://[^/]", maxLength=2000),
        flowTypes=many(ref("FlowType")),
        flowDirection=ref("FlowDirection"),
        ackStatus=ref("AckStatus"),
    ),
    "WebhookId": text(format="uuid"),
    "WebhookKey": group(webhookId=ref("WebhookId"), signingKey=text(format="byte"), createdAt=text(format="date-time")),
    "Webhook": joined(ref("WebhookKey"), ref("WebhookParams")),
    "Webhooks": group(
        "count",
        "webhookIds",
        count=whole(),
        webhooks=many(ref("Webhook")),
        webhookIds=many(ref("WebhookId")),
    ),
}
_HEADERS = [
    {"name": "Request-Id", "in": "header", "required": False, "schema": text(format="uuid")},
    {"name": "Organization-Id", "in": "header", "required": False, "schema": text()},
]


def _call(operation: str, summary: str, answers: Schema, *parameters: Schema, body: Schema | None = None) -> Schema:
    call: Schema = {"operationId": operation, "summary": summary, "parameters": [*_HEADERS, *parameters]}
    if body:
        call["requestBody"] = {"required": True, "content": body}
    return {**call, "responses": answers}


def _ok(status: int, description: str, content: Schema | None = None) -> Schema:
    return {str(status): {"description": description, **({"content": content} if content else {})}}


_UPLOAD = {
    "multipart/form-data": {
        "schema": group("file", "flowInfo", flowInfo=ref("FlowInfo"), file=text(format="binary")),
        "encoding": {
            "file": {"contentType": "application/pdf, application/xml"},
            "flowInfo": {"contentType": "application/json"},
        },
    }
}
_SIGNATURE = [
    {"name": "Afnor-Signature", "in": "header", "required": False, "schema": text(format="byte")},
    {"name": "Afnor-Signature-Timestamp", "in": "header", "required": True, "schema": whole(format="int64")},
]
_CALLBACK = {
    "{$request.body#/callbackUrl}": {
        "post": {
            "parameters": _SIGNATURE,
            "requestBody": {"required": True, "content": json_content(ref("Flow"))},
            "responses": {**_ok(200, "Taken."), **refusals(400, 401, 403, 500)},
        }
    }
}
_DOC_TYPE = {
    "name": "docType",
    "in": "query",
    "required": False,
    "schema": choice("Metadata", "Original", "Converted", "ReadableView", default="Metadata"),
}
_FLOW_ERRORS = (400, 401, 403, 429, 500, 503)
_HOOK_ERRORS = (400, 401, 403, 500, 503)


def _named(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}


DOCUMENT: Schema = {
    "openapi": "3.0.3",
    "info": {
        "title": "Quittance sandbox: Flow Service",
        "version": "1.3.0",
        "description": "Hand over invoices, life-cycle messages and reports, and fetch what the platform delivers.",
    },
    "servers": [{"url": "/"}],
    "security": [{"BearerAuth": []}, {"OAuth2": []}],
    "paths": {
        "/v1/flows": {
            "post": _call(
                "createFlow",
                "Hand over one file",
                {
                    **_ok(202, "Taken; its acknowledgement follows.", json_content(ref("FullFlowInfo"))),
                    **refusals(*_FLOW_ERRORS, 413, 422),
                },
                body=_UPLOAD,
            )
        },
        "/v1/flows/search": {
            "post": _call(
                "searchFlows",
                "Flows that fit every criterion, least recently changed first",
                {**_ok(200, "One page.", json_content(ref("Found"))), **refusals(*_FLOW_ERRORS)},
                body=json_content(ref("Search")),
            )
        },
        "/v1/flows/{flowId}": {
            "get": _call(
                "getFlow",
                "What is known of a flow, or one of its files",
                {
                    **_ok(
                        200,
                        "The metadata as JSON, or the file.",
                        {"application/octet-stream": {}, **json_content(ref("Flow"))},
                    ),
                    **refusals(*_FLOW_ERRORS, 404),
                },
                _named("flowId", ref("Id")),
                _DOC_TYPE,
            )
        },
        "/v1/webhooks": {
            "get": _call(
                "listWebhooks",
                "The caller's subscriptions",
                {**_ok(200, "All of them.", json_content(ref("Webhooks"))), **refusals(*_HOOK_ERRORS)},
            ),
            "post": {
                **_call(
                    "createWebhook",
                    "Subscribe; the signing key is shown once",
                    {**_ok(201, "Subscribed.", json_content(ref("WebhookKey"))), **refusals(*_HOOK_ERRORS)},
                    body=json_content(ref("WebhookParams")),
                ),
                "callbacks": {"flow": _CALLBACK},
            },
        },
        "/v1/webhooks/{webhookUid}": {
            "delete": _call(
                "deleteWebhook",
                "End a subscription",
                {**_ok(204, "Ended."), **refusals(*_HOOK_ERRORS, 404)},
                _named("webhookUid", ref("WebhookId")),
            )
        },
        "/v1/healthcheck": {
            "get": {
                **_call("getHealth", "Whether the service answers", {**_ok(200, "It does."), **refusals(500, 503)}),
                "security": [],
            }
        },
    },
    "components": {"schemas": SCHEMAS, "securitySchemes": security("/oauth2/token")},
}
