"""Access to the parts of a CloudFormation template that the tests check."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Right:
    """One action on one resource: an ARN, or the JSON from which CloudFormation makes it."""

    action: str
    resource: str


class Stack:
    """The resources in the template of one stage."""

    def __init__(self, template: dict[str, Any], stage: str) -> None:
        self.template, self.stage = template, stage
        self._resources: dict[str, dict[str, Any]] = template["Resources"]

    def of_type(self, kind: str) -> dict[str, Properties]:
        """Return the properties of each resource of this type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self._resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, Properties]:
        """The properties of each function, by logical id."""
        return self.of_type("AWS::Lambda::Function")

    def environment(self, function: str) -> dict[str, Any]:
        """Return a function's environment variables."""
        variables: dict[str, Any] = self.functions[function]["Environment"]["Variables"]
        return variables

    def role(self, function: str) -> str:
        """Return the logical id of a function's role."""
        return str(self.functions[function]["Role"]["Fn::GetAtt"][0])

    def rights(self, role: str) -> set[Right]:
        """Return the rights of a role; it must have neither managed policies nor denials."""
        properties = self.of_type("AWS::IAM::Role")[role]
        assert "ManagedPolicyArns" not in properties
        statements = [
            statement
            for policy in properties["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {statement["Effect"] for statement in statements} == {"Allow"}
        return {
            Right(action, text(resource))
            for statement in statements
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    def sources(self, function: str) -> Iterator[Properties]:
        """Yield a function's event source mappings."""
        for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values():
            if mapping["FunctionName"]["Fn::GetAtt"][0] == function:
                yield mapping

    def routes(self, function: str) -> set[str]:
        """Return the HTTP API's route keys of a function."""
        integrations = self.of_type("AWS::ApiGatewayV2::Integration")
        return {
            route["RouteKey"]
            for route in self.of_type("AWS::ApiGatewayV2::Route").values()
            if f'"{function}"' in text(integrations[_target(route)]["IntegrationUri"])
        }


def text(value: Any) -> str:
    """Convert a template value to a string; equal values give equal strings."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _target(route: Properties) -> str:
    return str(route["Target"]["Fn::Join"][1][1]["Ref"])
