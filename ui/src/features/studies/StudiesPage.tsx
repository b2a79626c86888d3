import "./texts";

import { lazy } from "react";
import { Route, Switch } from "wouter";

import { patientOf } from "./actions/viewers";
import { ListPage } from "./list/ListPage";

const PatientPage = lazy(() => import("./patient/PatientPage"));

/** The study list, and the page of one patient below it. */
export default function StudiesPage() {
  return (
    <Switch>
      <Route path="/studies/patient/:id">{({ id }) => <PatientPage patientId={patientOf(id)} />}</Route>
      <Route>
        <ListPage />
      </Route>
    </Switch>
  );
}
